import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blankText, excess } from './limits.ts'

test('comments and the content of strings are blanked, the rest stays where it was', () => {
  const text = 'a "b; \\" ("; // c (\n"//" d'
  expect(blankText(text, { strings: true })).toBe(`a${' '.repeat(10)};${' '.repeat(7)}\n     d`)
  expect(blankText(text, { strings: false })).toBe(`a "b; \\" (";${' '.repeat(7)}\n"//" d`)
})

test('blanking keeps the length and the lines of any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('"', '\\', '/', '\n', 'a', ';', '(', 'é') }),
      fc.boolean(),
      (text, strings) => {
        const bare = blankText(text, { strings })
        expect(bare.length).toBe(text.length)
        expect(bare.split('\n').length).toBe(text.split('\n').length)
      },
    ),
  )
})

test('depth and operators are counted per policy', () => {
  expect(excess('(('.repeat(8) + '))'.repeat(8))).toBeUndefined()
  expect(excess('('.repeat(17))).toEqual({ offset: 16, message: 'brackets nest deeper than 16' })
  expect(excess(`${'!'.repeat(128)};${'!'.repeat(128)}`)).toBeUndefined()
  expect(excess('!'.repeat(129))?.offset).toBe(128)
})

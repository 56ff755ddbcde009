import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineSplitter } from './lines.ts'

it('gives the same lines however the bytes are cut', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', ' ') })
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 50 })), (content, cuts) => {
      const bytes = Buffer.from(content)
      const splitter = new LineSplitter()
      const ends = [...new Set([...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length])].sort(
        (a, b) => a - b,
      )
      const lines: string[] = []
      let from = 0
      for (const end of ends) {
        for (const line of splitter.push(bytes.subarray(from, end))) lines.push(line.toString())
        from = end
      }
      const expected = content.split('\n')
      const rest = expected.pop()
      expect(lines).toEqual(expected)
      expect(splitter.isMidLine).toBe(rest !== '')
    }),
  )
})

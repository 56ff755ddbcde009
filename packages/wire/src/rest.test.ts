import { expect, test } from 'vitest'
import { Rest } from './rest.ts'

test('what is kept comes back joined, once, and a single piece as it came', () => {
  const rest = new Rest()
  const piece = Buffer.from('ab')
  rest.keep(piece)
  expect(rest.length).toBe(2)
  expect(rest.take()).toBe(piece)
  rest.keep(piece)
  rest.keep(Buffer.of())
  rest.keep(Buffer.from('c'))
  expect(rest.length).toBe(3)
  expect(rest.take().toString()).toBe('abc')
  expect(rest.length).toBe(0)
  expect(rest.take()).toHaveLength(0)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineBuffer } from './line-buffer.ts'
import { SpareBuffers } from './spare-buffers.ts'

test('it holds what was written, in UTF-8, however it grew', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('é'.repeat(20_000), 'x'.repeat(70_000), '\ud800'),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
      const lines = new LineBuffer(new SpareBuffers(), 16)
      for (const one of texts) {
        const from = lines.write(one)
        expect(lines.slice(from, lines.length).equals(Buffer.from(one))).toBe(true)
        lines.newline()
        lines.append(Buffer.from(one))
      }
      const parts = texts.map((one) => Buffer.from(one)).flatMap((one) => [one, Buffer.from('\n'), one])
      expect(lines.bytes.equals(Buffer.concat(parts))).toBe(true)
      lines.clear()
      expect(lines).toHaveLength(0)
    }),
  )
})

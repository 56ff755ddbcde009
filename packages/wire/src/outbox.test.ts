import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Outbox } from './outbox.ts'

const step = fc.record({
  how: fc.constantFrom('pass' as const, 'put' as const, 'claim' as const, 'flush' as const),
  size: fc.oneof(fc.nat(40), fc.nat(5_000)),
})

test('what was passed, put and claimed leaves in that order, whenever it is flushed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const stream = new PassThrough({ highWaterMark: 10 ** 9 })
      const out = new Outbox()
      const expected: Buffer[] = []
      let mark = 0
      for (const { how, size } of steps) {
        const bytes = Buffer.alloc(size, ++mark)
        if (how === 'flush') {
          out.flush(stream)
          continue
        }
        if (how === 'pass') out.pass(Buffer.concat([Buffer.alloc(2), bytes]), 2, 2 + size)
        else if (how === 'put') out.put(bytes)
        else {
          const at = out.claim(size, bytes, 0)
          out.room.copyWithin(at, out.shift, out.shift + size)
        }
        expected.push(bytes)
      }
      out.flush(stream)
      expect(out.isEmpty).toBe(true)
      const sent = (stream.read() as Buffer | null) ?? Buffer.alloc(0)
      expect(sent.equals(Buffer.concat(expected))).toBe(true)
      expect(out.flushedBytes).toBe(sent.length)
    }),
  )
})

test('bytes that were flushed stay what they were when more is claimed', () => {
  const stream = new PassThrough()
  const out = new Outbox()
  const chunk = Buffer.alloc(20)
  const at = out.claim(4, chunk, 0)
  out.room.write('abcd', at)
  out.flush(stream)
  const next = out.claim(4, chunk, 4)
  out.room.write('wxyz', next)
  expect(String(stream.read())).toBe('abcd')
})

test('what a claim is made of is in the room, however much longer or shorter all that was claimed is', () => {
  const rows = fc.array(fc.record({ length: fc.nat(40), size: fc.oneof(fc.nat(60), fc.nat(2_000)) }), {
    maxLength: 30,
  })
  fc.assert(
    fc.property(rows, fc.nat(9), (cuts, start) => {
      const chunk = Buffer.alloc(start + cuts.reduce((sum, { length }) => sum + length, 0))
      for (let i = 0; i < chunk.length; i++) chunk[i] = i
      const asReceived = Buffer.from(chunk)
      const out = new Outbox()
      const expected: Buffer[] = []
      let from = start
      for (const [i, { length, size }] of cuts.entries()) {
        const at = out.claim(size, chunk, from)
        const source = from + out.shift
        expect(at + size).toBeLessThanOrEqual(source)
        expect(out.room.subarray(source).equals(chunk.subarray(from))).toBe(true)
        out.room.fill(i, at, at + size)
        expected.push(Buffer.alloc(size, i))
        from += length
      }
      expect(out.take().equals(Buffer.concat(expected))).toBe(true)
      expect(chunk.equals(asReceived)).toBe(true)
    }),
  )
})

import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readExactly } from './exact-reader.ts'

const never = new AbortController().signal

describe('reading exactly', () => {
  test('any cutting of the bytes gives the same reads, and turns of the event loop go on meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 20 }),
        async (reads, cuts) => {
          const total = reads.reduce((sum, length) => sum + length, 0)
          const bytes = Buffer.from(Array.from({ length: total }, (_, i) => i % 251))
          const stream = new PassThrough({ highWaterMark: 1000 })
          const write = async (): Promise<void> => {
            for (let at = 0, i = 0; at < total; i++) {
              const next = Math.min(total, at + cuts[i % cuts.length]!)
              stream.write(bytes.subarray(at, next))
              at = next
              await new Promise((resolve) => setImmediate(resolve))
            }
          }
          const writing = write()
          const got: Buffer[] = []
          for (const length of reads) got.push(await readExactly(stream, length, 'client/gone', never))
          await writing
          expect(got.map((part) => part.length)).toEqual(reads)
          expect(Buffer.concat(got).equals(bytes)).toBe(true)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('what follows stays in the stream', async () => {
    const stream = new PassThrough()
    stream.write('abcdef')
    expect((await readExactly(stream, 2, 'client/gone', never)).toString()).toBe('ab')
    expect((stream.read() as Buffer).toString()).toBe('cdef')
  })

  test('an early end is a fault, and an abort ends the waiting', async () => {
    const ended = new PassThrough()
    ended.end('ab')
    await expect(readExactly(ended, 3, 'target/closed', never)).rejects.toMatchObject({
      code: 'target/closed',
    })
    const abort = new AbortController()
    const waiting = readExactly(new PassThrough(), 1, 'client/gone', abort.signal)
    abort.abort(new Error('too slow'))
    await expect(waiting).rejects.toThrow('too slow')
  })
})

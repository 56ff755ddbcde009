import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answeredIds, converse, modelTarget, someRequest } from './testing/dialogue.ts'

/** Requests of a client that has them all in flight, and how its bytes are cut. */
const pipelines = fc.tuple(
  fc.array(fc.infiniteStream(fc.nat()), { minLength: 1, maxLength: 40 }),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
)

function sentOf(choices: readonly fc.Stream<number>[]): Buffer {
  return Buffer.concat(choices.map((stream, id) => someRequest(id, (limit) => stream.next().value! % limit)))
}

function cutBy(lengths: readonly number[]): (bytes: Buffer) => Buffer[] {
  let turn = 0
  return (bytes) => {
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const end = at + lengths[turn++ % lengths.length]!
      pieces.push(bytes.subarray(at, end))
      at = end
    }
    return pieces
  }
}

test('whatever a client has in flight, nothing is opened, changed or made where policy forbids it', () => {
  fc.assert(
    fc.property(pipelines, fc.boolean(), ([choices], isStrict) => {
      const { target } = converse(sentOf(choices), (bytes) => [bytes], isStrict)
      expect(target.touched.filter((real) => real.startsWith('/secret'))).toEqual([])
      const untouched = modelTarget()
      for (const path of ['/secret', '/secret/key']) {
        expect(target.nodes.get(path)).toEqual(untouched.nodes.get(path))
      }
      expect([...target.nodes.keys()].filter((path) => path.startsWith('/secret'))).toHaveLength(2)
    }),
    { numRuns: 2_000 },
  )
})

test('every request is answered once, by the target or in its place', () => {
  fc.assert(
    fc.property(pipelines, ([choices]) => {
      const { toClient } = converse(sentOf(choices), (bytes) => [bytes])
      const ids = [...answeredIds(toClient)].toSorted((a, b) => a - b)
      expect(ids).toEqual(choices.map((_, id) => id))
    }),
    { numRuns: 500 },
  )
})

test('however bytes are cut, the same passes, is asked and is noted', () => {
  fc.assert(
    fc.property(pipelines, ([choices, lengths]) => {
      const sent = sentOf(choices)
      const whole = converse(sent, (bytes) => [bytes])
      const cut = converse(sent, cutBy(lengths))
      expect(cut.toServer.equals(whole.toServer)).toBe(true)
      expect(cut.toClient.equals(whole.toClient)).toBe(true)
      expect(cut.world.asked.map(({ text }) => text)).toEqual(whole.world.asked.map(({ text }) => text))
      expect(cut.world.passages).toEqual(whole.world.passages)
      expect(cut.world.outcomes).toEqual(whole.world.outcomes)
    }),
    { numRuns: 500 },
  )
})

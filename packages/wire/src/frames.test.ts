import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault, mintPermit, type Operation, type OperationId } from '@sallyport/core'
import {
  fewOwedAnswers,
  mostOwedAnswers,
  type Conversation,
  type Outboxes,
  type Side,
  type Verdict,
} from './conversation.ts'
import { Frames } from './frames.ts'
import { Outbox } from './outbox.ts'

const headBytes = 2

/** A toy protocol: a kind byte, a length byte, a body. p passes, x is dropped, a is asked about, i is replaced by `!`. */
class Toy implements Conversation {
  readonly headBytes = headBytes
  readonly asked: string[] = []
  owedAnswers = 0

  flush(out: Outboxes): void {
    out.server.put(Buffer.from('now'))
  }

  length(_side: Side, chunk: Buffer, at: number): number {
    if (chunk[at + 1]! > 200) throw new Fault('client/malformed', 'too long')
    return headBytes + chunk[at + 1]!
  }

  needed(_side: Side, chunk: Buffer, at: number, length: number): number {
    return chunk[at] === 0x61 ? length : headBytes
  }

  client(chunk: Buffer, from: number, to: number, out: Outboxes): Verdict | Operation {
    switch (chunk[from]) {
      case 0x70:
        return 'pass'
      case 0x78:
        return 'drop'
      case 0x69:
        out.server.put(Buffer.from('!'))
        return 'drop'
      case 0x61:
        return {
          text: chunk.subarray(from + headBytes, to).toString('latin1'),
          parameters: [],
          binding: () => [],
        }
      default:
        throw new Fault('client/malformed', 'unknown kind')
    }
  }

  settle(asked: Operation): Verdict {
    this.asked.push(asked.text)
    return asked.text.length % 2 === 0 ? 'pass' : 'drop'
  }

  server(): Verdict {
    return 'pass'
  }

  notice(): Buffer {
    return Buffer.alloc(0)
  }

  farewell(): { client: Buffer; server: Buffer } {
    return { client: Buffer.alloc(0), server: Buffer.alloc(0) }
  }

  serverEnded(): undefined {
    return undefined
  }
}

interface Message {
  readonly kind: string
  readonly body: Uint8Array
}

const message: fc.Arbitrary<Message> = fc.record({
  kind: fc.constantFrom('p', 'x', 'a', 'i'),
  body: fc.uint8Array({ maxLength: 40 }),
})

const encode = (messages: readonly Message[]): Buffer =>
  Buffer.concat(messages.flatMap(({ kind, body }) => [Buffer.from(kind), Buffer.from([body.length]), body]))

/** Feeds the bytes in the given cuts; an operation is settled after as many further chunks as `holds` says. */
function run(
  bytes: Buffer,
  cuts: readonly number[],
  holds: readonly number[],
): { up: string; asked: string[] } {
  const toy = new Toy()
  const out = { client: new Outbox(), server: new Outbox() }
  const frames = new Frames('client', toy, out)
  const up: Buffer[] = []
  const bounds = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  )
  let waiting: { asked: Operation; chunks: number } | undefined
  let held = 0
  const permit = mintPermit(1 as OperationId, { maskedTags: new Set() }, 0)
  const settle = (): void => {
    while (waiting !== undefined && waiting.chunks-- <= 0) {
      const next: Operation | undefined = frames.release(toy.settle(waiting.asked))
      waiting =
        next === undefined ? undefined : { asked: next, chunks: holds[held++ % (holds.length || 1)] ?? 0 }
    }
  }
  expect(permit.kind).toBe('permit')
  for (let i = 1; i < bounds.length; i++) {
    const asked = frames.push(bytes.subarray(bounds[i - 1], bounds[i]))
    if (asked !== undefined) waiting = { asked, chunks: holds[held++ % (holds.length || 1)] ?? 0 }
    settle()
    up.push(out.server.take())
  }
  while (waiting !== undefined) {
    waiting.chunks = 0
    settle()
  }
  up.push(out.server.take())
  return { up: Buffer.concat(up).toString('latin1'), asked: toy.asked }
}

function failureOf(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (thrown) {
    return thrown
  }
}

const isFaultOrNothing = (thrown: unknown): boolean => thrown === undefined || thrown instanceof Fault

describe('frames', () => {
  test('any cutting and any holding give the same bytes and the same questions', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        fc.array(fc.nat(3), { maxLength: 5 }),
        (messages, cuts, holds) => {
          const bytes = encode(messages)
          expect(run(bytes, cuts, holds)).toEqual(run(bytes, [], []))
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('every single split of a conversation gives the same bytes', () => {
    const bytes = encode([
      { kind: 'p', body: Buffer.from('hello') },
      { kind: 'a', body: Buffer.from('even') },
      { kind: 'i', body: Buffer.from('gone') },
      { kind: 'x', body: Buffer.from('gone') },
      { kind: 'a', body: Buffer.from('odd') },
      { kind: 'p', body: Buffer.from('') },
    ])
    const whole = run(bytes, [], [])
    expect(whole.up).toBe('p\x05helloa\x04even!p\x00')
    for (let cut = 1; cut < bytes.length; cut++) expect(run(bytes, [cut], [1])).toEqual(whole)
  })

  test('a passed frame is never buffered beyond its head', () => {
    const out = { client: new Outbox(), server: new Outbox() }
    const frames = new Frames('client', new Toy(), out)
    frames.push(Buffer.from('p\xc8', 'latin1'))
    for (let i = 0; i < 199; i++) {
      frames.push(Buffer.from('.'))
      expect(frames.waitingBytes).toBe(0)
      expect(frames.isMidFrame).toBe(true)
      expect(out.server.take().length).toBeGreaterThan(0)
    }
    frames.push(Buffer.from('.'))
    expect(frames.isMidFrame).toBe(false)
  })

  test('bytes of our own never part a frame that is under way: they follow it', () => {
    const out = { client: new Outbox(), server: new Outbox() }
    const frames = new Frames('client', new Toy(), out)
    frames.push(Buffer.from('p\x05he', 'latin1'))
    out.server.put(Buffer.from('?')) // for what the other side said
    expect(String(out.server.take())).toBe('p\x05he')
    expect(out.server.isEmpty).toBe(true)
    out.server.put(Buffer.from('!'))
    frames.push(Buffer.from('ll'))
    expect(String(out.server.take())).toBe('ll')
    frames.push(Buffer.from('op\x01x', 'latin1'))
    expect(String(out.server.take())).toBe('o?!p\x01x')
    frames.push(Buffer.from('x\x05he', 'latin1'))
    out.server.put(Buffer.from('?'))
    expect(String(out.server.take())).toBe('?')
  })

  test('a client far ahead of the answers is judged no further until enough have come', () => {
    const out = { client: new Outbox(), server: new Outbox() }
    const toy = new Toy()
    const frames = new Frames('client', toy, out)
    toy.owedAnswers = mostOwedAnswers - 1
    frames.push(Buffer.from('p\x01a', 'latin1'))
    expect(frames.isAhead).toBe(false)
    toy.owedAnswers = mostOwedAnswers
    frames.push(Buffer.from('p\x01b', 'latin1'))
    frames.push(Buffer.from('a\x01cp\x01d', 'latin1'))
    expect(frames.isAhead).toBe(true)
    // What the server keeps back is asked for once.
    expect(String(out.server.take())).toBe('p\x01anow')
    toy.owedAnswers = fewOwedAnswers + 1
    expect(frames.catchUp()).toBe(undefined)
    expect(frames.isAhead).toBe(true)
    toy.owedAnswers = fewOwedAnswers
    expect(frames.catchUp()).toMatchObject({ text: 'c' })
    expect(frames.isAhead).toBe(false)
    frames.release('pass')
    expect(String(out.server.take())).toBe('p\x01ba\x01cp\x01d')
  })

  test('a frame that is under way is not cut by being ahead', () => {
    const out = { client: new Outbox(), server: new Outbox() }
    const toy = new Toy()
    const frames = new Frames('client', toy, out)
    frames.push(Buffer.from('p\x05he', 'latin1'))
    toy.owedAnswers = mostOwedAnswers
    frames.push(Buffer.from('llop\x01x', 'latin1'))
    expect(String(out.server.take())).toBe('p\x05hellonow')
  })

  test('hostile bytes end in a fault or in waiting, never in another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
        expect(failureOf(() => run(Buffer.from(bytes), cuts, []))).toSatisfy(isFaultOrNothing)
      }),
      { numRuns: 3000 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mostOwedAnswers } from '@sallyport/wire'
import { encodeBareBind, encodeDescribePortal, encodeExecute, encodeQuery, flush } from '../codec/frontend.ts'
import { World, done, failed, marker, message, parse, ready, sync } from './testing/world.ts'

/** What a server says to messages: it keeps answers back up to a size, as PostgreSQL does, and tells them when it must. */
class Server {
  readonly #statements = new Set<string>()
  readonly #portals = new Set<string>()
  #kept: Buffer[] = []
  #keptBytes = 0
  #isSkipping = false
  readonly #keepsBytes: number

  constructor(keepsBytes: number) {
    this.#keepsBytes = keepsBytes
  }

  hear(bytes: Buffer): Buffer {
    const said: Buffer[] = []
    for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
      const frame = bytes.subarray(at, at + 1 + bytes.readInt32BE(at + 1))
      const letter = String.fromCharCode(frame[0]!)
      if (this.#isSkipping && letter !== 'S') continue
      const { answers, mustTell } = this.#answer(letter, frame)
      for (const answer of answers) {
        this.#kept.push(answer)
        this.#keptBytes += answer.length
      }
      if (mustTell || this.#keptBytes > this.#keepsBytes) {
        said.push(...this.#kept)
        this.#kept = []
        this.#keptBytes = 0
      }
    }
    return Buffer.concat(said)
  }

  #answer(
    letter: string,
    frame: Buffer,
  ): { readonly answers: readonly Buffer[]; readonly mustTell: boolean } {
    if (letter === 'H') return { answers: [], mustTell: true }
    if (letter === 'S') {
      this.#isSkipping = false
      this.#portals.clear()
      return { answers: [ready('I')], mustTell: true }
    }
    if (letter === 'Q') {
      this.#statements.delete('')
      this.#portals.clear()
      return {
        answers: [frame.includes(marker) ? failed('42601') : done('SELECT 1'), ready('I')],
        mustTell: true,
      }
    }
    const answer = frame.includes('failing') ? undefined : this.#extended(letter, frame)
    this.#isSkipping = answer === undefined
    return { answers: [answer ?? failed('42601')], mustTell: answer === undefined }
  }

  /** @returns nothing where it fails */
  #extended(letter: string, frame: Buffer): Buffer | undefined {
    const [first = '', second = ''] = frame.subarray(5).toString('latin1').split('\0')
    switch (letter) {
      case 'P':
        this.#statements.add(first)
        return message('1')
      case 'B':
        if (!this.#statements.has(second)) return undefined
        this.#portals.add(first)
        return message('2')
      case 'D':
        return this.#portals.has(first.slice(1)) ? message('n') : undefined
      case 'E':
        return this.#portals.has(first) ? done('INSERT 0 1') : undefined
      default:
        ;(first.startsWith('S') ? this.#statements : this.#portals).delete(first.slice(1))
        return message('3')
    }
  }
}

/** A client that says all it has to say, and a server that hears it in turns. @returns what the client heard */
function talk(
  said: Buffer,
  server: Server,
  cutBytes: number,
): { readonly world: World; readonly heard: Buffer } {
  const world = new World()
  const heard: Buffer[] = []
  const hear = (bytes: Buffer): void => {
    let onward = bytes
    while (onward.length > 0) {
      // What is asked besides for the last message is answered too.
      expect(world.conversation.owedAnswers).toBeLessThanOrEqual(mostOwedAnswers + 1)
      heard.push(world.server(server.hear(onward)))
      onward = world.client(Buffer.alloc(0))
    }
  }
  for (let at = 0; at < said.length; at += cutBytes) hear(world.client(said.subarray(at, at + cutBytes)))
  return { world, heard: Buffer.concat(heard) }
}

function countOf(letter: string, messages: Buffer): number {
  let count = 0
  for (let at = 0; at < messages.length; at += 1 + messages.readInt32BE(at + 1))
    if (messages[at] === letter.charCodeAt(0)) count++
  return count
}

describe('a pipeline, however long', () => {
  test('of one portal’s name that is bound again and again is answered whole', () => {
    const runs = 20_000
    const one = Buffer.concat([encodeBareBind('', 's'), encodeDescribePortal(''), encodeExecute('', 0)])
    const said = Buffer.concat([parse('s', 'select 1'), ...Array.from({ length: runs }, () => one), sync])
    const { world, heard } = talk(said, new Server(8_192), 65_536)
    expect([countOf('1', heard), countOf('2', heard), countOf('C', heard), countOf('Z', heard)]).toEqual([
      1,
      runs,
      runs,
      1,
    ])
    expect(world.isAhead).toBe(false)
    expect(world.outcomes).toHaveLength(runs)
  })

  test('never ends in a fault and never waits forever, whatever it is made of and the server keeps back', () => {
    const piece = fc.constantFrom(
      parse('', 'select 1'),
      parse('s', 'insert'),
      parse('s', 'failing'),
      encodeBareBind('', 's'),
      encodeBareBind('p', 's'),
      encodeBareBind('', ''),
      encodeBareBind('', 'nowhere'),
      encodeDescribePortal(''),
      encodeExecute('', 0),
      encodeExecute('p', 0),
      message('C', Buffer.from('S'), 's'),
      message('C', Buffer.from('P'), 'p'),
      encodeQuery('select 2'),
      encodeQuery('forbidden'),
      parse('s', 'forbidden'),
      flush,
      sync,
    )
    const stretch = fc.record({
      pieces: fc.array(piece, { minLength: 1, maxLength: 8 }),
      times: fc.constantFrom(1, 3, 1_500, mostOwedAnswers, 6_000),
    })
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(0, 8_192, 10_000_000),
        fc.constantFrom(1_000, 65_536),
        (stretches, keepsBytes, cutBytes) => {
          const said = stretches.flatMap(({ pieces, times }) =>
            Array.from({ length: times }, () => Buffer.concat(pieces)),
          )
          const { world, heard } = talk(Buffer.concat([...said, sync]), new Server(keepsBytes), cutBytes)
          expect(world.isAhead).toBe(false)
          expect(world.conversation.isBusy).toBe(false)
          const ends = stretches.map(
            ({ pieces, times }) => times * pieces.filter((one) => one === sync).length,
          )
          expect(countOf('Z', heard)).toBeGreaterThan(ends.reduce((sum, count) => sum + count, 0))
        },
      ),
      { numRuns: 15 },
    )
  })
})

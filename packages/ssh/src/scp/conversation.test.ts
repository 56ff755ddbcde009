import { createHash } from 'node:crypto'
import { Fault, mintPermit, refusal, type OperationId, type Outcome, type Passage } from '@sallyport/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FileOperation } from '../transfer/operation.ts'
import { ScpConversation } from './conversation.ts'
import { Places, type ScpCommand } from './places.ts'

const permit = mintPermit(7 as OperationId, { maskedTags: new Set() }, 0)

/** A run of scp whose both sides are the test's. */
class World {
  readonly asked: FileOperation[] = []
  readonly passages: Passage[] = []
  readonly outcomes: Outcome['status'][] = []
  readonly conversation: ScpConversation
  refused = 'forbidden'
  toServer = ''
  toClient = ''

  constructor(command: Partial<ScpCommand> = {}) {
    const parts = {
      note: (passage: Passage) => void this.passages.push(passage),
      finish: (_permit: unknown, { status }: Outcome) => void this.outcomes.push(status),
      refuse: () => refusal('denied', 'no'),
      stands: () => true,
      say: () => undefined,
    }
    const places = new Places({ direction: 'upload', paths: ['/up/'], mustBeDirectory: false, ...command })
    this.conversation = new ScpConversation(parts, places, permit)
  }

  client(text: string): this {
    this.conversation.client(Buffer.from(text, 'latin1'))
    return this.#settle()
  }

  server(text: string): this {
    this.conversation.server(Buffer.from(text, 'latin1'))
    return this.#settle()
  }

  #settle(): this {
    for (let asked; (asked = this.conversation.asked) !== undefined;) {
      this.asked.push(asked)
      const isRefused = asked.text.includes(this.refused)
      this.conversation.settle(isRefused ? refusal('denied', 'not this', 'Take another.') : permit)
    }
    this.toServer += this.conversation.out.server.take().toString('latin1')
    this.toClient += this.conversation.out.client.take().toString('latin1')
    return this
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

describe('the client sends', () => {
  test('each file is asked about, passes as it is, and is noted', () => {
    const world = new World()
    world.server('\0').client('T1 0 2 0\n').server('\0').client('C0644 5 a\n')
    expect(world.asked.map(({ text }) => text)).toEqual([
      'upload "/up/a", 5 bytes, mode 0644, with its times',
    ])
    expect(world.asked[0]?.facts.map(({ actions }) => actions)).toEqual([['upload'], ['set-attributes']])
    world.server('\0').client('hello\0').server('\0')
    expect(world.toServer).toBe('T1 0 2 0\nC0644 5 a\nhello\0')
    expect(world.toClient).toBe('\0\0\0\0')
    expect(world.passages).toMatchObject([
      { direction: 'upload', path: '/up/a', sizeBytes: 5, isWhole: true, sha256: sha256('hello') },
    ])
    expect(world.outcomes).toEqual(['done'])
  })

  test('a refused one is answered as the target would, and the next one passes', () => {
    const world = new World()
    world.server('\0').client('C0644 5 forbidden\n')
    expect([world.toServer, world.toClient]).toEqual(['', '\0\x01sallyport: not this. Take another.\n'])
    world.client('D0755 0 d\n').server('\0').client('C0644 0 b\n').server('\0').client('\0').server('\0')
    world.client('E\n').server('\0')
    expect(world.asked.map(({ text }) => text.split(',')[0])).toEqual([
      'upload "/up/forbidden"',
      'make directory "/up/d"',
      'upload "/up/d/b"',
    ])
    expect(world.toServer).toBe('D0755 0 d\nC0644 0 b\n\0E\n')
  })

  test('what is sent ahead of a reply is a line or content as the reply says', () => {
    const ahead = 'C0644 18 a\nC0644 9 forbidden\n'
    const refused = new World()
    refused.server('\0').client(ahead)
    expect(refused.toServer).toBe('C0644 18 a\n')
    // The target takes no content, so that what follows is a line to it; here it is as well.
    refused.server('\x01cannot\n')
    expect(refused.asked).toHaveLength(2)
    expect(refused.toServer).toBe('C0644 18 a\n')
    expect(refused.toClient).toContain('not this')
    const taken = new World()
    taken.server('\0').client(ahead).server('\0')
    expect(taken.asked).toHaveLength(1)
    expect(taken.toServer).toBe(ahead)
  })

  test('where only the target knows whether the path is a directory, both are judged', () => {
    const world = new World({ paths: ['/up'] })
    world.server('\0').client('C0644 5 a\n')
    expect(world.asked[0]?.text).toBe('upload "/up or /up/a", 5 bytes, mode 0644')
    expect(world.asked[0]?.facts.map(({ objects }) => objects[0]?.path)).toEqual([
      ['files', 'up'],
      ['files', 'up', 'a'],
    ])
    const directory = new World({ paths: ['up'], mustBeDirectory: true })
    directory.server('\0').client('C0644 5 a\n')
    expect(directory.asked[0]?.facts.map(({ objects }) => objects[0]?.path)).toEqual([['home', 'up', 'a']])
  })

  test.each([
    ['C0644 5 a/b\n'],
    ['C0644 5 ..\n'],
    ['C0644 5 .\n'],
    ['D0755 0 ..\n'],
    ['C0644 5 \x1b[2J\n'],
    ['C0644 5 \n'],
    ['C0644 -5 a\n'],
    ['C0644 9999999999999999 a\n'],
    ['C644 5 a\n'],
    ['C06440 5 a\n'],
    ['T1 5 2 0\n'],
    ['E\n'],
    ['Efoo\n'],
    ['X\n'],
    ['\n'],
    [`C0644 5 ${'a'.repeat(9000)}\n`],
    ['a'.repeat(9000)],
  ])('%j is refused, and ends the channel', (line) => {
    const world = new World()
    world.server('\0')
    expect(() => world.client(line)).toThrow(/client\/malformed/)
    expect(world.asked).toEqual([])
    expect(world.toServer).toBe('')
  })

  test('more content than was said ends the channel, and a reply that nothing asked for does', () => {
    const world = new World()
    world.server('\0').client('C0644 1 a\n').server('\0')
    expect(() => world.client('xyz')).toThrow('more content')
    const unasked = new World()
    unasked.server('\0')
    expect(() => unasked.server('\0')).toThrow('nothing asked for')
    expect(() => new World().server('motd\n')).toThrow('does not have')
  })

  test('a file that could not be read, or written, is not whole', () => {
    const unread = new World()
    unread.server('\0').client('C0644 3 a\n').server('\0').client('ab\0\x01cannot read\n').server('\0')
    const unwritten = new World()
    unwritten.server('\0').client('C0644 3 a\n').server('\0').client('abc\0').server('\x01disk full\n')
    const cut = new World()
    cut.server('\0').client('C0644 3 a\n').server('\0').client('ab')
    cut.conversation.end()
    expect([unread, unwritten, cut].map(({ passages }) => passages)).toMatchObject([
      [{ sizeBytes: 3, isWhole: false }],
      [{ sizeBytes: 3, isWhole: false }],
      [{ sizeBytes: 2, isWhole: false }],
    ])
    expect([unread, unwritten, cut].map(({ outcomes }) => outcomes)).toEqual([['done'], ['failed'], ['lost']])
  })
})

describe('the target sends', () => {
  const download = (...paths: readonly string[]): World => new World({ direction: 'download', paths })

  test('what was asked for is noted, and is not asked about again', () => {
    const world = download('/srv/d/', 'f')
    world.client('\0').server('D0755 0 d\n').client('\0').server('C0644 2 x\n').client('\0')
    world.server('hi\0').client('\0').server('E\n').client('\0').server('C0644 0 f\n').client('\0')
    world.server('\0').client('\0')
    expect(world.asked).toEqual([])
    expect(world.passages).toMatchObject([
      { id: 7, direction: 'download', path: '/srv/d/x', sizeBytes: 2, isWhole: true, sha256: sha256('hi') },
      { id: 7, direction: 'download', path: 'f', sizeBytes: 0, isWhole: true },
    ])
    expect(world.outcomes).toEqual([])
  })

  test.each(['C0644 2 .bashrc\n', 'D0755 0 ..\n', 'C0644 2 ../f\n', 'C0644 2 f\x07\n'])(
    '%j, which nobody asked for, never reaches the client',
    (line) => {
      const world = download('/srv/f')
      world.client('\0')
      expect(() => world.server(line)).toThrow(/target\/malformed/)
      expect(world.toClient).toBe('')
    },
  )

  test('a file that the client does not take is not noted, and its error passes', () => {
    const world = download('f')
    world.client('\0').server('C0644 2 f\n').client('\x01no room\n').server('\x01scp: more errors\n')
    expect(world.passages).toEqual([])
    expect(world.toServer).toBe('\0\x01no room\n')
    expect(world.toClient).toBe('C0644 2 f\n\x01scp: more errors\n')
  })
})

describe('in any cutting', () => {
  /** A client that sends a tree in step with a target that takes all, each byte cut as told. */
  test('the same passes, is asked and is noted', () => {
    const files = fc.array(
      fc.record({
        name: fc.stringMatching(/^[a-z ]{1,8}$/),
        content: fc.string({ unit: 'binary-ascii', maxLength: 50 }),
        kind: fc.constantFrom('C', 'D', 'E', 'T'),
      }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(files, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (steps, cuts) => {
        const run = (lengths: readonly number[]): World => {
          const world = new World()
          let turn = 0
          const say = (text: string): void => {
            for (let at = 0; at < text.length;) {
              const end = at + lengths[turn++ % lengths.length]!
              world.client(text.slice(at, end))
              at = end
            }
          }
          world.server('\0')
          let depth = 0
          for (const { name, content, kind } of steps) {
            if (kind === 'E' && depth === 0) continue
            if (kind === 'E') depth--
            const line = {
              C: `C0644 ${content.length} ${name}`,
              D: `D0755 0 ${name}`,
              E: 'E',
              T: 'T1 0 1 0',
            }[kind]
            const before = world.toClient
            say(`${line}\n`)
            if (world.toClient !== before) continue
            if (kind === 'D') depth++
            world.server('\0')
            if (kind !== 'C') continue
            say(`${content}\0`)
            world.server('\0')
          }
          world.conversation.end()
          return world
        }
        const [whole, cut] = [run([1e9]), run(cuts)]
        expect(cut.toServer).toBe(whole.toServer)
        expect(cut.toClient).toBe(whole.toClient)
        expect(cut.passages).toEqual(whole.passages)
        expect(cut.asked.map(({ text }) => text)).toEqual(whole.asked.map(({ text }) => text))
      }),
      { numRuns: 300 },
    )
  })
})

test('a fault blames who broke the protocol', () => {
  const world = new World({ direction: 'download', paths: ['f'] })
  const thrown = ((): unknown => {
    try {
      world.client('x')
    } catch (caught) {
      return caught
    }
    return undefined
  })()
  expect(thrown).toBeInstanceOf(Fault)
  expect(thrown).toMatchObject({ code: 'client/malformed' })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  Fault,
  mintPermit,
  refusal,
  type Authorization,
  type OperationId,
  type Outcome,
} from '@sallyport/core'
import { Frames, Outbox, Writer } from '@sallyport/wire'
import {
  callOfNoFunction,
  encodeBareBind,
  encodeDescribePortal,
  encodeExecute,
  encodeQuery,
  flush,
  terminate,
} from '../codec/frontend.ts'
import { encodeErrorFields } from '../codec/backend.ts'
import { PlannedRowMask } from '../mask/row.ts'
import { Names } from '../names.ts'
import type { PostgresOperation, Prepared } from '../operations.ts'
import { Portals } from '../portals.ts'
import { SearchPath } from '../search-path.ts'
import { PostgresConversation } from './conversation.ts'

const marker = 'sallyport_refused_test'

function message(letter: string, ...parts: (Buffer | string | number)[]): Buffer {
  const writer = new Writer().uint8(letter.charCodeAt(0)).int32(0)
  for (const part of parts) {
    if (typeof part === 'number') writer.int16(part)
    else if (typeof part === 'string') writer.cstring(part)
    else writer.bytes(part)
  }
  return writer.int32At(1, writer.length - 1).done()
}

const parse = (name: string, text: string): Buffer => message('P', name, text, 0)
const sync = message('S')
const ready = (status: string): Buffer => message('Z', Buffer.from(status))
const done = (tag: string): Buffer => message('C', tag)
const failed = (code: string, text = 'no'): Buffer =>
  encodeErrorFields(
    'error',
    new Map([
      ['S', 'ERROR'],
      ['V', 'ERROR'],
      ['C', code],
      ['M', text],
    ]),
  )

/** A conversation whose operations are decided by their text, at once. */
class World {
  readonly out = { client: new Outbox(), server: new Outbox() }
  readonly outcomes: Outcome[] = []
  readonly asked: string[] = []
  readonly statements = new Names<Prepared>()
  readonly conversation: PostgresConversation
  readonly #fromClient: Frames<PostgresOperation>
  readonly #fromServer: Frames<PostgresOperation>

  constructor() {
    this.conversation = new PostgresConversation({
      marker,
      sessionId: 'ses_test',
      masks: {
        rows: (fields, _, masked) =>
          masked.size === 0
            ? undefined
            : new PlannedRowMask(fields.map(({ name }) => ({ name, cell: () => Buffer.from('****') }))),
        copy: () => undefined,
      },
      diagnostics: () => 'clear',
      statements: this.statements,
      portals: new Portals(),
      searchPath: new SearchPath('app', 'public'),
      finish: (_permit, outcome) => this.outcomes.push(outcome),
      setting: () => undefined,
      catalogChanged: () => undefined,
    })
    this.#fromClient = new Frames('client', this.conversation, this.out)
    this.#fromServer = new Frames('server', this.conversation, this.out)
  }

  client(bytes: Buffer): Buffer {
    let asked = this.#fromClient.push(bytes)
    while (asked !== undefined) {
      this.asked.push(asked.text)
      asked = this.#fromClient.release(
        this.conversation.settle(asked, decide(asked.text, this.asked.length), this.out),
      )
    }
    return this.out.server.take()
  }

  server(bytes: Buffer): Buffer {
    this.#fromServer.push(bytes)
    return this.out.client.take()
  }
}

function decide(text: string, id: number): Authorization {
  return /forbidden|lo_unlink|OID/.test(text)
    ? refusal('denied', 'no')
    : mintPermit(id as OperationId, { maskedTags: new Set(text.includes('loread') ? ['tag'] : []) })
}

const faultOf = (act: () => unknown): string | undefined => {
  try {
    act()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code
    throw thrown
  }
}

describe('what clients say', () => {
  test('a permitted query passes as it came, a refused one is replaced, and its error becomes ours', () => {
    const world = new World()
    expect(world.client(encodeQuery('select 1'))).toEqual(encodeQuery('select 1'))
    world.server(Buffer.concat([done('SELECT 1'), ready('I')]))
    expect(world.client(encodeQuery('forbidden'))).toEqual(encodeQuery(marker))
    const said = world
      .server(Buffer.concat([failed('42601', `syntax error at or near "${marker}"`), ready('I')]))
      .toString()
    expect(said).toContain('C42501')
    expect(said).toContain('sallyport: no')
    expect(said).not.toContain(marker)
  })

  test('the answers of a pipeline find their messages, with a refusal in the middle', () => {
    const world = new World()
    const bare = (statement: string): Buffer => encodeBareBind('', statement)
    const sent = [
      parse('a', 'select 1'),
      parse('b', 'forbidden'),
      bare('a'),
      encodeExecute('', 0),
      bare('b'),
      encodeExecute('', 0),
      sync,
    ]
    expect(world.client(Buffer.concat(sent))).toEqual(
      Buffer.concat([...sent.slice(0, 4), encodeBareBind('', marker), ...sent.slice(5)]),
    )
    world.server(
      Buffer.concat([
        message('1'),
        message('1'),
        message('2'),
        done('SELECT 1'),
        failed('26000'),
        ready('I'),
      ]),
    )
    expect(world.conversation.isBusy).toBe(false)
    expect(world.outcomes).toMatchObject([{ status: 'done', rows: 1 }])
  })

  test('after an error nothing passes before the next Sync', () => {
    const world = new World()
    world.client(parse('', 'selec'))
    world.server(failed('42601'))
    expect(
      world.client(
        Buffer.concat([encodeBareBind('', ''), encodeExecute('', 0), encodeQuery('drop table x')]),
      ),
    ).toHaveLength(0)
    expect(world.client(sync)).toEqual(sync)
    world.server(ready('I'))
    expect(world.asked).toEqual([])
  })

  test('the marker cannot be made by a client', () => {
    for (const bytes of [
      parse(marker, 'select 1'),
      encodeBareBind(marker, ''),
      encodeExecute(marker, 0),
      encodeDescribePortal(marker),
    ]) {
      expect(faultOf(() => new World().client(bytes))).toBe('client/malformed')
    }
  })
})

describe('a function call', () => {
  const call = (oid: number): Buffer =>
    message('F', Buffer.from([0, 0, oid >> 8, oid & 0xff]), 0, 1, Buffer.from([0, 0, 0, 1, 0x37]), 1)
  const value = (text: string): Buffer => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(text.length)
    return message('V', length, Buffer.from(text))
  }
  const [open, read, unlink, other] = [call(952), call(954), call(964), call(1598)]

  test('is asked about as the statement that does the same, and passes as it came', () => {
    const world = new World()
    expect(world.client(open)).toEqual(open)
    expect(world.asked).toEqual(['SELECT pg_catalog.lo_open($1, $2)'])
    const answer = Buffer.concat([value('7'), ready('T')])
    expect(world.server(answer)).toEqual(answer)
    expect(world.outcomes).toMatchObject([{ status: 'done', rows: 1, sizeBytes: 10 }])
  })

  test('has its result masked, however it is cut', () => {
    const answer = Buffer.concat([value('secret'), ready('T')])
    for (let cut = 0; cut < answer.length; cut++) {
      const world = new World()
      world.client(read)
      const shown = [world.server(answer.subarray(0, cut)), world.server(answer.subarray(cut))]
      expect(Buffer.concat(shown)).toEqual(Buffer.concat([value('****'), ready('T')]))
      expect(world.outcomes).toMatchObject([{ status: 'done', maskedValues: 1, maskedColumns: ['loread'] }])
    }
  })

  test('that is refused becomes a call of no function, whose error is ours', () => {
    for (const refused of [unlink, other]) {
      const world = new World()
      expect(world.client(refused)).toEqual(callOfNoFunction)
      const said = world.server(Buffer.concat([failed('42883', 'function with OID 0'), ready('E')]))
      expect(said.toString('latin1')).toContain('sallyport: no')
      expect(said.subarray(-6)).toEqual(ready('E'))
      expect(world.conversation.isBusy).toBe(false)
      expect(world.outcomes).toEqual([])
    }
  })

  test('behind an error of its pipeline has not happened', () => {
    const world = new World()
    world.client(Buffer.concat([parse('', 'selec'), open, sync]))
    world.server(Buffer.concat([failed('42601'), ready('I')]))
    expect(world.conversation.isBusy).toBe(false)
    expect(world.outcomes).toMatchObject([{ status: 'failed' }])
    world.client(parse('', 'selec'))
    world.server(failed('42601'))
    expect(world.client(open)).toHaveLength(0)
  })

  test('fails with its error, and is lost with its session', () => {
    const world = new World()
    world.client(Buffer.concat([open, open]))
    world.server(Buffer.concat([failed('25P02'), ready('E')]))
    world.conversation.abandon()
    expect(world.outcomes).toMatchObject([{ status: 'failed', errorCode: '25P02' }, { status: 'lost' }])
  })

  test.each([
    ['a second result', Buffer.concat([value('1'), value('2')])],
    ['a row', message('D', 1, Buffer.from([0, 0, 0, 1, 0x37]))],
    ['a command’s end', done('SELECT 1')],
  ])('is not answered by %s', (_, answer) => {
    const world = new World()
    world.client(open)
    expect(faultOf(() => world.server(answer))).toBe('target/malformed')
  })

  test('has no result where a statement was sent, or where it was refused', () => {
    for (const asked of [encodeQuery('select 1'), unlink]) {
      const world = new World()
      world.client(asked)
      expect(faultOf(() => world.server(value('1')))).toBe('target/malformed')
    }
  })

  test.each([
    ['longer than the message', [0, 0, 0, 9, 0x37], 1],
    ['the longest there is', [0x7f, 0xff, 0xff, 0xff, 0x37], 1],
    ['negative', [0xff, 0xff, 0xff, 0xfe], 1],
    ['missing', [], 1],
    ['of fewer than are told', [0, 0, 0, 1, 0x37], 0xffff],
  ])('whose argument has a length that is %s ends the session', (_, argument, count) => {
    const counted = Buffer.from([count >> 8, count & 0xff])
    const hostile = message('F', Buffer.from([0, 0, 3, 0xba]), 0, counted, Buffer.from(argument), 1)
    expect(faultOf(() => new World().client(hostile))).toBe('client/malformed')
  })

  test('whose masked result has a length that does not fit ends the session', () => {
    const world = new World()
    world.client(read)
    const hostile = message('V', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x37]))
    expect(faultOf(() => world.server(hostile))).toBe('target/malformed')
  })
})

describe('an answer out of order', () => {
  test.each([
    ['ParseComplete', message('1')],
    ['NoData', message('n')],
    ['PortalSuspended', message('s')],
  ])('does not make the gateway forget the operation that was owed another: %s', (_, answer) => {
    const world = new World()
    world.client(encodeQuery('select 1'))
    expect(faultOf(() => world.server(answer))).toBe('target/malformed')
    world.conversation.abandon()
    expect(world.outcomes).toMatchObject([{ status: 'lost' }])
  })

  test('nor is one forgotten where the server is ready too early', () => {
    const world = new World()
    world.client(Buffer.concat([parse('', 'select 1'), encodeBareBind('', '')]))
    expect(faultOf(() => world.server(ready('I')))).toBe('target/malformed')
    world.conversation.abandon()
    expect(world.outcomes).toMatchObject([{ status: 'lost' }])
  })
})

describe('every cutting', () => {
  const session = Buffer.concat([
    parse('s', 'select $1'),
    encodeBareBind('p', 's'),
    encodeDescribePortal('p'),
    encodeExecute('p', 3),
    flush,
    sync,
    encodeQuery('forbidden'),
    encodeQuery('select 2'),
    message('d', Buffer.from('copied')),
    message('c'),
    terminate,
  ])

  test('of a client’s bytes gives the same bytes to the server and the same questions', () => {
    const whole = new World()
    const expected = whole.client(session)
    for (let cut = 1; cut < session.length; cut++) {
      const world = new World()
      const got = Buffer.concat([world.client(session.subarray(0, cut)), world.client(session.subarray(cut))])
      expect(got.equals(expected)).toBe(true)
      expect(world.asked).toEqual(whole.asked)
    }
    const found = fc.check(
      fc.property(fc.array(fc.nat(session.length), { maxLength: 12 }), (cuts) => {
        const bounds = [...new Set([0, ...cuts, session.length])].toSorted((a, b) => a - b)
        const world = new World()
        const got = bounds.slice(1).map((to, i) => world.client(session.subarray(bounds[i], to)))
        return Buffer.concat(got).equals(expected)
      }),
      { numRuns: 1000 },
    )
    expect(found.counterexample).toBeNull()
  })

  test('of a server’s bytes gives the same bytes to the client', () => {
    const fields = message('T', 1, 'n', Buffer.alloc(6), Buffer.from([0, 0, 0, 25]), 0, Buffer.alloc(4), 0)
    const row = message('D', 1, Buffer.from([0, 0, 0, 1, 0x37]))
    const answers = Buffer.concat([
      fields,
      row,
      row,
      done('SELECT 2'),
      ready('I'),
      failed('42601'),
      ready('I'),
    ])
    const start = (): World => {
      const world = new World()
      world.client(Buffer.concat([encodeQuery('select n'), encodeQuery('forbidden')]))
      return world
    }
    const expected = start().server(answers)
    for (let cut = 1; cut < answers.length; cut++) {
      const world = start()
      const got = Buffer.concat([world.server(answers.subarray(0, cut)), world.server(answers.subarray(cut))])
      expect(got.equals(expected)).toBe(true)
    }
  })
})

describe('hostile bytes', () => {
  const letters = 'BCDEFHPQSXcdfp!123AGIKNRTVWZnstv'
  const frame = fc
    .tuple(
      fc.constantFrom(...letters.split('')),
      fc.oneof(
        fc.uint8Array({ maxLength: 30 }),
        fc.constantFrom(Buffer.from('\0\0\0\0', 'latin1'), Buffer.from('s\0select 1\0\0\0', 'latin1')),
      ),
    )
    .map(([letter, body]) => message(letter, Buffer.from(body)))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)),
    fc.array(frame, { maxLength: 12 }).map((frames) => Buffer.concat(frames)),
  )

  test('from clients end in a fault that blames them, or in waiting', () => {
    const found = fc.check(
      fc.property(bytes, (all) => {
        const code = faultOf(() => new World().client(all))
        return code === undefined || code.startsWith('client/')
      }),
      { numRuns: 20_000 },
    )
    expect(found.counterexample).toBeNull()
  })

  test('from servers end in a fault that blames them, or in waiting', () => {
    const found = fc.check(
      fc.property(bytes, (all) => {
        const world = new World()
        world.client(
          Buffer.concat([
            encodeQuery('select 1'),
            parse('', 'select 1'),
            encodeBareBind('', ''),
            encodeExecute('', 0),
            sync,
          ]),
        )
        const code = faultOf(() => world.server(all))
        return code === undefined || code.startsWith('target/')
      }),
      { numRuns: 20_000 },
    )
    expect(found.counterexample).toBeNull()
  })

  test('from both, in any order, never reach the server unasked', () => {
    const turn = fc.tuple(fc.boolean(), bytes)
    const found = fc.check(
      fc.property(fc.array(turn, { maxLength: 6 }), (turns) => {
        const world = new World()
        let passed = ''
        const code = faultOf(() => {
          for (const [isClient, all] of turns) {
            if (isClient) passed += world.client(all).toString('latin1')
            else world.server(all)
          }
        })
        const queries = [...passed.matchAll(/Q[^]{4}([^\0]*)\0/g)].filter(([, text]) => text === 'forbidden')
        return queries.length === 0 && (code === undefined || /^(client|target)\//.test(code))
      }),
      { numRuns: 5_000 },
    )
    expect(found.counterexample).toBeNull()
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeBareBind,
  encodeDescribePortal,
  encodeExecute,
  encodeQuery,
  flush,
  terminate,
} from '../codec/frontend.ts'
import { codeOf } from '../testing/code-of.ts'
import { World, done, failed, marker, message, parse, ready, sync } from './testing/world.ts'

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
      expect(codeOf(() => new World().client(bytes))).toBe('client/malformed')
    }
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
    expect(codeOf(() => world.server(answer))).toBe('target/malformed')
    world.conversation.abandon()
    expect(world.outcomes).toMatchObject([{ status: 'lost' }])
  })

  test('nor is one forgotten where the server is ready too early', () => {
    const world = new World()
    world.client(Buffer.concat([parse('', 'select 1'), encodeBareBind('', '')]))
    expect(codeOf(() => world.server(ready('I')))).toBe('target/malformed')
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
        const code = codeOf(() => new World().client(all))
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
        const code = codeOf(() => world.server(all))
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
        const code = codeOf(() => {
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

import { describe, expect, test } from 'vitest'
import { callOfNoFunction, encodeQuery } from '../codec/frontend.ts'
import { codeOf } from '../testing/code-of.ts'
import { World, done, failed, message, parse, ready, sync } from './testing/world.ts'

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
    expect(codeOf(() => world.server(answer))).toBe('target/malformed')
  })

  test('has no result where a statement was sent, or where it was refused', () => {
    for (const asked of [encodeQuery('select 1'), unlink]) {
      const world = new World()
      world.client(asked)
      expect(codeOf(() => world.server(value('1')))).toBe('target/malformed')
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
    expect(codeOf(() => new World().client(hostile))).toBe('client/malformed')
  })

  test('whose masked result has a length that does not fit ends the session', () => {
    const world = new World()
    world.client(read)
    const hostile = message('V', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0x37]))
    expect(codeOf(() => world.server(hostile))).toBe('target/malformed')
  })
})

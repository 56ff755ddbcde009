import { describe, expect, test } from 'vitest'
import { bind, cstring, execute, message, parse, query, sync, terminate } from '../../world/raw-messages.ts'
import { update, clear, secret, codes, masked, type Ground } from './ground.ts'

export function byFrames({ isChanged, connect }: Ground): void {
  describe('by lengths and cut frames', () => {
    test('a message cut anywhere is judged as a whole', async () => {
      const bytes = Buffer.concat([query(secret), query(update('cut')), query(clear)])
      await using client = await connect()
      for (let at = 0; at < bytes.length; at += 7) {
        client.send(bytes.subarray(at, at + 7))
        await new Promise((resolve) => setImmediate(resolve))
      }
      const frames = await client.untilReady(3)
      expect(codes(frames)).toEqual(['42501'])
      expect(masked(frames)).toBeUndefined()
      expect(await isChanged()).toBe(false)
    })

    test.each([
      ['a text behind the end of the text', message('Q', cstring('select 1'), cstring(update('behind')))],
      ['a length that holds two messages', message('Q', cstring('select 1'), query(update('behind')))],
      ['a length of nothing', Buffer.from([0x51, 0, 0, 0, 0, ...query(update('behind'))])],
      ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff, ...query(update('behind'))])],
      ['a text without an end', message('Q', Buffer.from(update('behind')))],
      ['a name without an end', message('P', Buffer.from('p'))],
      [
        'more parameters than there are',
        message('B', cstring(''), cstring(''), Buffer.from([0, 0, 0xff, 0xff])),
      ],
      ['a Sync with a body', message('S', query(update('behind')))],
    ])('%s ends the session', async (_, bytes) => {
      await using client = await connect()
      client.send(parse(update('behind')), bytes, query(update('after')), sync())
      const frames = await client.untilOver(10_000)
      expect(codes(frames)).toEqual(['08P01'])
      expect(await isChanged()).toBe(false)
    })

    test('nothing runs behind a Terminate', async () => {
      await using client = await connect()
      client.send(terminate(), query(update('after')), parse(update('after')), bind(), execute(), sync())
      await client.untilOver(10_000)
      expect(await isChanged()).toBe(false)
    })
  })
}

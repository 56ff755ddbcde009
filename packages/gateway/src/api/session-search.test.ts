import { expect, test } from 'vitest'
import { isRefusal, type SessionId } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { NoSuchRecording } from '@sallyport/recording'
import type { SessionRow } from '@sallyport/store'
import { SessionSearch, type Wanted } from './session-search.ts'

const clock = new FakeClock()
const line = (kind: string, text: string): Buffer =>
  Buffer.from(
    `${JSON.stringify({ seq: 1, at: 5, prev: 'h', kind, id: 1, text, parameters: [], effect: 'allow' })}\n`,
  )

/** A search over sessions of these names, newest first, of which each chunk of a recording takes a second. */
function ground(recordings: Readonly<Record<string, readonly Buffer[]>>) {
  const rows = Object.keys(recordings).map((id) => ({ id }) as SessionRow)
  const read: string[] = []
  const search = new SessionSearch(
    {
      async *export(session) {
        read.push(session)
        const chunks = recordings[session] ?? []
        if (chunks.length === 0) throw new NoSuchRecording(session)
        for (const chunk of chunks) {
          clock.advance(1000)
          yield await Promise.resolve(chunk)
        }
      },
    },
    clock,
  )
  const wanted: Wanted = {
    text: 'needle',
    limit: 50,
    sessions: (before, limit) => {
      const from = before === undefined ? 0 : rows.findIndex(({ id }) => id === before) + 1
      return Promise.resolve(rows.slice(from, from + limit))
    },
    mayLook: () => Promise.resolve(true),
    gone: new AbortController().signal,
  }
  const find = async (changes: Partial<Wanted> = {}, before?: string) => {
    const found = await search.find({ ...wanted, ...changes }, before as SessionId | undefined)
    if (isRefusal(found)) throw new Error(found.code)
    return { ...found, found: found.found.map(({ session, ran }) => `${session.id} ${ran.length}`) }
  }
  return { find, search, wanted, read }
}

test('a search finds operations and commands seen, and nothing that was only shown', async () => {
  const { find } = ground({
    a: [line('operation', 'a Needle'), line('command-seen', 'needle')],
    b: [line('output', 'needle'), line('closed', 'needle')],
    c: [],
  })
  expect(await find()).toEqual({ found: ['a 2'], searched: 3 })
})

test('a search keeps five of a session, and reads that no further', async () => {
  const { find } = ground({ a: Array.from({ length: 9 }, () => line('operation', 'needle')) })
  expect((await find()).found).toEqual(['a 5'])
})

test('a search ends after 5 seconds, and says from where to go on', async () => {
  const slow = [line('output', ''), line('output', ''), line('operation', 'needle')]
  const { find } = ground({ a: slow, b: slow, c: slow })
  expect(await find()).toEqual({ found: ['a 1'], searched: 1, before: 'a' })
  expect(await find({}, 'a')).toEqual({ found: ['b 1'], searched: 1, before: 'b' })
  expect(await find({}, 'b')).toEqual({ found: ['c 1'], searched: 1 })
})

test('a recording that takes longer than that by itself does not stand in the way of older ones', async () => {
  const endless = Array.from({ length: 20 }, () => line('output', ''))
  const { find } = ground({ a: endless, b: [line('operation', 'needle')] })
  expect(await find()).toEqual({ found: [], searched: 1, before: 'a' })
  expect(await find({}, 'a')).toEqual({ found: ['b 1'], searched: 1 })
})

test('a search ends once it has found as many as were wanted, or nobody waits any more', async () => {
  const one = [line('operation', 'needle')]
  const { find } = ground({ a: one, b: one, c: one })
  expect(await find({ limit: 2 })).toEqual({ found: ['a 1', 'b 1'], searched: 2, before: 'b' })
  expect(await find({ gone: AbortSignal.abort() })).toMatchObject({ found: [], searched: 1 })
})

test('a search does not read what whoever asks may not see', async () => {
  const { find, read } = ground({ a: [line('operation', 'needle')], b: [line('operation', 'needle')] })
  expect((await find({ mayLook: ({ id }) => Promise.resolve(id === 'b') })).found).toEqual(['b 1'])
  expect(read).toEqual(['b'])
})

test('one search goes on at a time', async () => {
  const { search, wanted } = ground({ a: [line('operation', 'needle')] })
  const first = search.find(wanted)
  expect(await search.find(wanted)).toMatchObject({ code: 'throttled' })
  expect(await first).toMatchObject({ searched: 1 })
  expect(await search.find(wanted)).toMatchObject({ searched: 1 })
})

import { onOwnBehalf, principalId } from '@sallyport/core'
import { expect, test } from 'vitest'
import type { DataState } from './calls.ts'
import { ProcessesPlane } from './plane.ts'

const agent = {
  id: 'a',
  pool: 'dc1',
  name: 'host',
  version: '1',
  address: '10.0.0.9:1',
  attachedAtMs: 5,
  rttMs: 2,
  streams: 3,
  isDraining: false,
}
const root = onOwnBehalf({ kind: 'user', id: principalId('user', 'root'), name: 'root', groups: [] })

function plane(states: readonly DataState[], ended: readonly unknown[] = []) {
  const notes: string[] = []
  const store = {
    write: <T>(_by: unknown, why: string, change: (tx: never) => Promise<T>) =>
      change({ note: (what: string) => notes.push(`${why}: ${what}`) } as never),
  }
  const answers: Record<string, readonly unknown[]> = { look: states, end: ended }
  const processes = { askAll: (name: string) => Promise.resolve(answers[name] ?? []) }
  return { plane: new ProcessesPlane(store as never, processes as never), notes }
}

test('an agent that is attached to several processes is one, with what it carries for all', async () => {
  const { plane: all } = plane([
    { sessions: 2, agents: [agent], recorderFailure: undefined },
    { sessions: 5, agents: [{ ...agent, attachedAtMs: 3, rttMs: 9, streams: 4 }], recorderFailure: 'full' },
  ])
  expect(await all.attached()).toEqual([{ ...agent, attachedAtMs: 3, rttMs: 9, streams: 7 }])
  expect(await all.liveSessions()).toBe(7)
  expect(await all.recorderFailure()).toBe('full')
})

test('a session is killed in whichever process it lives, and only then noted', async () => {
  const ended = { principal: 'user:ann', resource: 'shop' }
  const { plane: all, notes } = plane([], [undefined, ended])
  expect(await all.kill('ses_1', root, 'enough')).toBe(true)
  expect(notes).toEqual(['kill a session: session ses_1 of user:ann on shop killed'])
  const { plane: none, notes: noNotes } = plane([], [undefined, undefined])
  expect(await none.kill('ses_1', root)).toBe(false)
  expect(noNotes).toEqual([])
})

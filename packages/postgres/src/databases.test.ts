import { Fault, refusal, systemClock } from '@sallyport/core'
import { alice, FakeSession, postgresResource } from '@sallyport/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { Databases, type Database } from './databases.ts'
import { ScramKeyring } from './login/scram-keys.ts'
import { saltPassword } from './login/scram.ts'
import type { PostgresOptions } from './options.ts'
import { scriptedTarget, type ScriptedTarget } from './testing/scripted-target.ts'

const options: PostgresOptions = { tls: { mode: 'disable' } }
const resource = postgresResource(options)

function sessionOn(target: Pick<ScriptedTarget, 'dial'>): FakeSession<PostgresOptions> {
  return new FakeSession(alice, resource, 'app', { dial: target.dial, credential: { user: 'app' } })
}

const databases = (): Databases =>
  new Databases(systemClock, (() => []) as never, new ScramKeyring(saltPassword))
const pathOf = async (database: Database): Promise<string> => (await database.beginning('app')).searchPath
const lost = new Fault('gateway/agent-lost', 'the agent that carried this connection is gone')
const codeOf = (thrown: unknown): string => (thrown instanceof Fault ? thrown.code : String(thrown))

describe('the questions that the gateway asks a target by itself', () => {
  test('are asked once more over another connection where the first one breaks', async () => {
    const target = scriptedTarget((_, dial) => (dial === 1 ? lost : 'public'))
    using database = databases().for(sessionOn(target), 'shop')
    expect(await pathOf(database)).toBe('public')
    expect(target.dialled).toHaveLength(2)
  })

  test('fail with what broke the connection, where it breaks again', async () => {
    const target = scriptedTarget(() => lost)
    using database = databases().for(sessionOn(target), 'shop')
    expect(await pathOf(database).catch(codeOf)).toBe('gateway/agent-lost')
    expect(target.dialled).toHaveLength(2)
  })

  test('leave no connection behind for longer than a second where the last session of a database has left', async () => {
    const target = scriptedTarget(() => 'public')
    const shared = databases()
    const first = shared.for(sessionOn(target), 'shop')
    const second = shared.for(sessionOn(target), 'shop')
    await pathOf(first)
    first[Symbol.dispose]()
    expect(target.dialled.map(({ destroyed }) => destroyed)).toEqual([false])
    second[Symbol.dispose]()
    await vi.waitFor(() => expect(target.dialled.map(({ destroyed }) => destroyed)).toEqual([true]), 2_000)
  })

  test('are asked once more where they went through a session that has left, and its credential is gone with it', async () => {
    const shared = databases()
    const one = scriptedTarget(() => 'of the first')
    using first = shared.for(sessionOn(one), 'shop')
    const gone = new Fault('target/login-failed', 'there is no such role any more')
    const second = shared.for(
      sessionOn({
        dial() {
          second[Symbol.dispose]()
          return Promise.reject(gone)
        },
      }),
      'shop',
    )
    expect(await pathOf(first)).toBe('of the first')
  })

  test('go through no session that was ended, while another lives', async () => {
    const shared = databases()
    const one = scriptedTarget(() => 'of the first')
    const other = scriptedTarget(() => 'of the second')
    using first = shared.for(sessionOn(one), 'shop')
    const killed = sessionOn(other)
    using _second = shared.for(killed, 'shop')
    killed.kill(refusal('session-killed', 'ended by root'))
    expect(await pathOf(first)).toBe('of the first')
    expect(other.dialled).toHaveLength(0)
  })

  test('go through no session that has left', async () => {
    const shared = databases()
    const one = scriptedTarget(() => 'of the first')
    const other = scriptedTarget(() => 'of the second')
    using first = shared.for(sessionOn(one), 'shop')
    shared.for(sessionOn(other), 'shop')[Symbol.dispose]()
    expect(await pathOf(first)).toBe('of the first')
    expect(other.dialled).toHaveLength(0)
  })
})

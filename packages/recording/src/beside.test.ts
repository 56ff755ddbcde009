import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { SessionId } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { copyOf, eventsOf, newGround, newSession, opened } from '../test/ground.ts'
import type { Recordings } from './recordings.ts'

describe('recordings of several processes', () => {
  const record = (recordings: Recordings): SessionId => {
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(opened(session))
    recorder.commit()
    return session
  }
  const seal = async (recordings: Recordings): Promise<SessionId> => {
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(opened(session))
    await recorder.close()
    return session
  }

  test('are read and verified in one place, whichever process made them', async () => {
    using ground = newGround()
    const directories = ['process-1', 'process-2'].map((name) => join(ground.directory, name))
    const sessions: SessionId[] = []
    for (const directory of [ground.directory, ...directories]) {
      await using recordings = await ground.open({ directory })
      sessions.push(await seal(recordings))
    }
    await using all = await ground.open({ beside: directories })
    for (const session of sessions) {
      expect(await all.verify(session)).toMatchObject({ state: 'sound', session, events: 1 })
      expect(await eventsOf(all, session)).toHaveLength(1)
      expect(await all.describe(session)).toMatchObject({ session, isOpen: false })
    }
    expect(await all.verifyAll()).toMatchObject({
      log: { state: 'sound', seals: 1 },
      logsBeside: [
        { state: 'sound', seals: 1 },
        { state: 'sound', seals: 1 },
      ],
      missing: [],
      repeated: [],
    })
  })

  test('show where one of them was removed, and where one was moved to another process', async () => {
    using ground = newGround()
    const directory = join(ground.directory, 'process-2')
    const sessions: SessionId[] = []
    {
      await using beside = await ground.open({ directory })
      sessions.push(await seal(beside), await seal(beside))
    }
    const [removed] = sessions as [SessionId]
    rmSync(join(directory, 'sealed', removed.slice(4, 9), `${removed}.recording`))
    await using all = await ground.open({ beside: [directory] })
    expect((await all.verifyAll()).missing).toEqual([removed])
    await expect(all.verify(removed)).rejects.toThrow(removed)
  })

  test('that a dead process left are sealed when those beside it are opened', async () => {
    using ground = newGround()
    const directory = join(ground.directory, 'process-2')
    await using dying = await ground.open({ directory })
    const session = record(dying)
    using copy = copyOf(ground.directory)
    await using after = await ground.open({
      directory: copy.directory,
      beside: [join(copy.directory, 'process-2')],
    })
    expect(after.recovered).toMatchObject([{ session, state: 'interrupted' }])
    expect(await after.verify(session)).toMatchObject({ state: 'interrupted', events: 1 })
  })

  test('that are being made are read as far as they go, from where they are made', async () => {
    using ground = newGround()
    const directory = join(ground.directory, 'process-2')
    {
      await using _making = await ground.open({ directory })
      await expect(ground.open({ beside: [directory], limits: { lockWaitMs: 0 } })).rejects.toThrow(
        'another process',
      )
    }
    let live: Recordings | undefined
    await using all = await ground.open({
      beside: [directory],
      liveBeside: (session) => {
        const sizeBytes = live?.flush(session)
        return sizeBytes === undefined ? undefined : { sizeBytes, pending: [] }
      },
    })
    await using again = (live = await ground.open({ directory }))
    const session = record(again)
    expect(await eventsOf(all, session)).toHaveLength(1)
    expect(await all.verify(session)).toMatchObject({ state: 'open', events: 1 })
    expect(again.flush(newSession())).toBeUndefined()
  })

  test('that are sealed while they are verified are sound', async () => {
    using ground = newGround()
    const directory = join(ground.directory, 'process-2')
    {
      await using _making = await ground.open({ directory })
    }
    const session = newSession()
    let wasAsked = false
    await using all = await ground.open({
      beside: [directory],
      liveBeside: () => {
        if (wasAsked) return undefined
        wasAsked = true
        return { sizeBytes: 0, pending: [] }
      },
    })
    await using again = await ground.open({ directory })
    const recorder = again.open(session)
    recorder.append(opened(session))
    await recorder.close()
    expect(await all.verify(session)).toMatchObject({ state: 'sound', events: 1 })
  })
})

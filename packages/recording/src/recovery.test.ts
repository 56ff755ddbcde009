import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { SessionId } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { FragileDisk } from '../test/fragile-disk.ts'
import { closed, copyOf, eventsOf, newGround, newSession, opened, operation } from '../test/ground.ts'
import type { Recorder, Recordings } from './index.ts'

const small = { chunkBytes: 1_000, segmentBytes: 4_000 }

describe('recordings that a dead gateway left', () => {
  it('are sealed as interrupted with every committed event', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    for (let i = 1; i <= 3; i++) recorder.append(operation(i))
    recorder.commit()
    using copy = copyOf(ground.directory)
    await using after = await ground.open({ directory: copy.directory })
    expect(after.recovered).toMatchObject([{ session, state: 'interrupted', events: 3 }])
    expect(await after.verify(session)).toMatchObject({ state: 'interrupted', events: 3 })
    expect((await after.describe(session))?.isOpen).toBe(false)
  })

  it('are sealed as closed where only the seal was missing', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const recorder = recordings.open(newSession())
    recorder.append(closed)
    recorder.commit()
    using copy = copyOf(ground.directory)
    await using after = await ground.open({ directory: copy.directory })
    expect(after.recovered).toMatchObject([{ state: 'closed', events: 1 }])
  })

  it('are not sealed again when they were sealed already', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(operation(1))
    await recorder.close()
    using copy = copyOf(ground.directory)
    await using after = await ground.open({ directory: copy.directory })
    expect(after.recovered).toEqual([])
    expect(after.sealLogHead).toEqual(recordings.sealLogHead)
    expect(await after.verify(session)).toMatchObject({ state: 'sound' })
  })

  it('keep every whole event, wherever in the journal the last write ended', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    const journal = join(ground.directory, 'journal', '0000000001.journal')
    const ends: number[] = []
    for (let i = 1; i <= 4; i++) {
      recorder.append(operation(i))
      recorder.commit()
      ends.push(readFileSync(journal).length)
    }
    const bytes = readFileSync(journal)
    for (let at = 0; at <= bytes.length; at += 11) {
      using copy = copyOf(ground.directory)
      writeFileSync(join(copy.directory, 'journal', '0000000001.journal'), bytes.subarray(0, at))
      await using after = await ground.open({ directory: copy.directory })
      const whole = ends.filter((end) => end <= at).length
      const kept = after.recovered.map(({ events }) => events)
      expect(kept).toEqual(whole === 0 ? [] : [whole])
      for (const events of kept) expect(await eventsOf(after, session)).toHaveLength(events)
      expect(readdirSync(join(copy.directory, 'journal'))).toHaveLength(1)
    }
  })

  it('survive death in the middle of recovery', async () => {
    using ground = newGround()
    await using recordings = await ground.open({ limits: small })
    const sessions = [newSession(), newSession()]
    for (const session of sessions) {
      const recorder = recordings.open(session)
      for (let i = 1; i <= 10; i++) recorder.append(operation(i))
      recorder.commit()
    }
    const outcomes = new Set<string>()
    // Each try gets a little further before the disk is full, and dies there.
    for (let freeBytes = 0; freeBytes < 6_000; freeBytes += 151) {
      using copy = copyOf(ground.directory)
      const disk = new FragileDisk()
      disk.freeBytes = freeBytes
      outcomes.add(await attempt(ground.open({ directory: copy.directory, disk })))
      await using after = await ground.open({ directory: copy.directory })
      for (const session of sessions)
        expect(await after.verify(session)).toMatchObject({ state: 'interrupted', events: 10 })
      expect(await after.verifyAll()).toMatchObject({
        log: { state: 'sound', seals: 2 },
        missing: [],
        repeated: [],
      })
    }
    expect([...outcomes].sort()).toEqual(['Error', 'Fault', 'done'])
  })
})

async function attempt(opening: Promise<AsyncDisposable>): Promise<string> {
  try {
    await using _recordings = await opening
    return 'done'
  } catch (thrown) {
    return (thrown as Error).name
  }
}

describe('whatever sessions do, and whenever the power goes', () => {
  type Step = {
    readonly what: 'open' | 'append' | 'commit' | 'durable' | 'close' | 'cut'
    readonly which: number
  }
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.oneof(
      { weight: 6, arbitrary: fc.constant('append' as const) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('open' as const, 'commit' as const, 'durable' as const, 'close' as const),
      },
      { weight: 1, arbitrary: fc.constant('cut' as const) },
    ),
    which: fc.nat({ max: 9 }),
  })

  it('what was durable is there, in whole chains, and what was closed is sound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
        using ground = newGround()
        const disk = new FragileDisk()
        await using recordings = await ground.open({ disk, limits: small })
        const live: { session: SessionId; recorder: Recorder; events: number }[] = []
        const durable = new Map<SessionId, number>()
        const sound = new Set<SessionId>()
        const problems: unknown[] = []
        const takeNote = (): void => {
          for (const { session, events } of live) durable.set(session, events)
        }
        for (const { what, which } of steps) {
          const one = live[which % Math.max(live.length, 1)]
          if (what === 'open' || one === undefined) {
            const session = newSession()
            const recorder = recordings.open(session)
            recorder.append(opened(session))
            live.push({ session, recorder, events: 1 })
          } else if (what === 'append') one.recorder.append(operation(++one.events))
          else if (what === 'commit') one.recorder.commit()
          else if (what === 'durable') {
            await one.recorder.durable()
            takeNote()
          } else if (what === 'close') {
            await one.recorder.close()
            takeNote()
            sound.add(one.session)
            live.splice(live.indexOf(one), 1)
          } else {
            using left = disk.afterPowerCut(ground.directory)
            await using after = await ground.open({ directory: left.directory })
            problems.push(...(await problemsOf(after, durable, sound)))
          }
        }
        expect(problems).toEqual([])
        expect(ground.failures).toEqual([])
      }),
      { numRuns: 12 },
    )
  }, 60_000)
})

async function problemsOf(
  recordings: Recordings,
  durable: ReadonlyMap<SessionId, number>,
  sound: ReadonlySet<SessionId>,
): Promise<readonly unknown[]> {
  const problems: unknown[] = []
  for (const [session, events] of durable) {
    const found = await recordings.verify(session)
    const state = sound.has(session) ? 'sound' : 'interrupted'
    if (found.state !== state || found.events < events) problems.push({ state, events, found })
  }
  const { log, missing, repeated } = await recordings.verifyAll()
  if (log.state !== 'sound') problems.push(log)
  return [...problems, ...missing, ...repeated]
}

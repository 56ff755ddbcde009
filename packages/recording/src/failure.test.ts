import type { Fault } from '@sallyport/core'
import { describe, expect, it, vi } from 'vitest'
import { FragileDisk } from '../test/fragile-disk.ts'
import { newGround, newSession, opened, operation } from '../test/ground.ts'
import type { Recordings } from './index.ts'

const cannotRecord: unknown = expect.objectContaining({ code: 'gateway/cannot-record' })

/** Resolves when the recordings take sessions again. */
async function working(recordings: Recordings): Promise<void> {
  await vi.waitFor(() => recordings.open(newSession()), { timeout: 5_000, interval: 5 })
}

describe('a disk that is full', () => {
  it('fails the commit, tells once, and ends the recording of every session', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    const recordings = await ground.open({ disk })
    const first = recordings.open(newSession())
    const second = recordings.open(newSession())
    first.append(operation(1))
    second.append(operation(1))
    second.commit()
    disk.freeBytes = 100
    first.append(operation(2))
    expect(() => first.commit()).toThrow(cannotRecord)
    expect(() => second.append(operation(2))).toThrow(cannotRecord)
    expect(() => second.commit()).toThrow(cannotRecord)
    await expect(second.durable()).rejects.toEqual(cannotRecord)
    await expect(second.close()).rejects.toEqual(cannotRecord)
    expect(() => recordings.open(newSession())).toThrow(cannotRecord)
    expect(ground.failures).toHaveLength(1)
    expect(ground.failures[0]?.shown).not.toMatch(/ENOSPC/)
    await recordings[Symbol.asyncDispose]()
  })

  it('fails also where only a recording’s own file cannot be written', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    await using recordings = await ground.open({ disk, limits: { chunkBytes: 10_000, retryMs: 5 } })
    const recorder = recordings.open(newSession())
    disk.freeBytes = 0
    expect(() => recorder.append(operation(1, 'x'.repeat(20_000)))).toThrow(cannotRecord)
    expect(ground.failures).toHaveLength(1)
    disk.freeBytes = Infinity
  })

  it('is found out without anyone asking, soon after an event', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    const told = Promise.withResolvers<Fault>()
    const recordings = await ground.open({ disk, onFailure: told.resolve })
    disk.freeBytes = 0
    recordings.open(newSession()).append(operation(1))
    expect(await told.promise).toEqual(cannotRecord)
    await recordings[Symbol.asyncDispose]()
  })

  it('is used again once there is room: what was committed is kept, and sealed as interrupted', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    await using recordings = await ground.open({ disk, limits: { retryMs: 5 } })
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(opened(session))
    recorder.append(operation(1))
    recorder.commit()
    disk.freeBytes = 50
    recorder.append(operation(2))
    expect(() => recorder.commit()).toThrow(cannotRecord)
    expect((await recordings.describe(session))?.isOpen ?? false).toBe(false)
    disk.freeBytes = Infinity
    await working(recordings)
    expect(recordings.recovered).toMatchObject([{ session, state: 'interrupted', events: 2 }])
    expect(await recordings.verify(session)).toMatchObject({ state: 'interrupted', events: 2 })
    expect(() => recorder.append(operation(3))).toThrow(cannotRecord)
  })
})

describe('a disk that fails whatever is asked of it', () => {
  it('is told of, so that sessions end, and tried again', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    await using recordings = await ground.open({ disk, limits: { retryMs: 5 } })
    const recorder = recordings.open(newSession())
    recorder.append(operation(1))
    disk.freeBytes = 0
    const remove = vi.spyOn(disk, 'remove').mockImplementation(() => {
      throw new Error('EROFS: read-only file system')
    })
    expect(() => recorder.commit()).toThrow(cannotRecord)
    expect(remove).toHaveBeenCalled()
    expect(ground.failures).toHaveLength(1)
    remove.mockRestore()
    disk.freeBytes = Infinity
    await working(recordings)
  })
})

describe('a disk that does not sync', () => {
  it('fails who waits, and everyone after', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    const recordings = await ground.open({ disk })
    const recorder = recordings.open(newSession())
    recorder.append(operation(1))
    disk.syncFailure = new Error('EIO: i/o error, fdatasync')
    await expect(recorder.durable()).rejects.toEqual(cannotRecord)
    expect(() => recorder.append(operation(2))).toThrow(cannotRecord)
    expect(ground.failures).toHaveLength(1)
    await recordings[Symbol.asyncDispose]()
  })

  it('fails when it takes longer than the limit', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    const recordings = await ground.open({ disk, limits: { syncLimitMs: 20 } })
    const recorder = recordings.open(newSession())
    const hung = Promise.withResolvers<void>()
    disk.syncing = hung.promise
    recorder.append(operation(1))
    await expect(recorder.durable()).rejects.toEqual(cannotRecord)
    expect(ground.failures[0]?.cause).toHaveProperty('message', 'a sync took longer than 20 ms')
    hung.resolve()
    await recordings[Symbol.asyncDispose]()
  })

  it('does not fail because this process slept while it synced', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    await using recordings = await ground.open({ disk, limits: { syncLimitMs: 1_000 } })
    const recorder = recordings.open(newSession())
    const syncing = Promise.withResolvers<void>()
    disk.syncing = syncing.promise
    recorder.append(operation(1))
    const durable = recorder.durable()
    await vi.waitFor(() => expect(disk.syncs).toBeGreaterThan(0))
    // The disk answers meanwhile; the process hears of it when it wakes, after the timers that are due by then.
    setTimeout(syncing.resolve, 1_050)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100)
    await durable
    expect(ground.failures).toEqual([])
  })

  it('fails when the journal grows beyond its limit because nothing can be removed', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    const recordings = await ground.open({ disk, limits: { segmentBytes: 500, maxSegments: 3 } })
    const recorder = recordings.open(newSession())
    const hung = Promise.withResolvers<void>()
    disk.syncing = hung.promise
    const fill = (): void => {
      for (let i = 1; i <= 20; i++) {
        recorder.append(operation(i))
        recorder.commit()
      }
    }
    expect(fill).toThrow(cannotRecord)
    expect(ground.failures[0]?.cause).toHaveProperty('message', 'the disk does not keep up with the journal')
    hung.resolve()
    await recordings[Symbol.asyncDispose]()
  })
})

describe('many sessions', () => {
  it('share syncs: what is asked while one runs is answered by the next', async () => {
    using ground = newGround()
    const disk = new FragileDisk()
    await using recordings = await ground.open({ disk })
    const recorders = Array.from({ length: 50 }, () => recordings.open(newSession()))
    const before = disk.syncs
    await Promise.all(
      recorders.map((recorder) => {
        recorder.append(operation(1))
        return recorder.durable()
      }),
    )
    expect(disk.syncs - before).toBeLessThan(4)
  })
})

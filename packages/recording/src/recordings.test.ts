import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { SessionId } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import {
  closed,
  copyOf,
  eventsOf,
  exported,
  newGround,
  newSession,
  opened,
  operation,
} from '../test/ground.ts'
import { nodeDisk, NoSuchRecording, verifyRecording, type Disk } from './index.ts'

function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe('a session that is recorded', () => {
  it('reads back as it went, live and sealed', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    const events = [opened(session), operation(1), operation(2, 'π\n'), closed]
    for (const event of events.slice(0, 2)) recorder.append(event)
    expect(await eventsOf(recordings, session)).toMatchObject(events.slice(0, 2))
    expect(await recordings.verify(session)).toMatchObject({ state: 'open', events: 2 })
    for (const event of events.slice(2)) recorder.append(event)
    await recorder.close()
    const read = await eventsOf(recordings, session)
    expect(read).toMatchObject(events)
    expect(read.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(await recordings.verify(session)).toMatchObject({ state: 'sound', events: 4 })
  })

  it('can be verified elsewhere with its export and the public key alone', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(operation(1))
    await recorder.close()
    const bytes = await exported(recordings, session)
    expect(verifyRecording(bytes, ground.publicKey)).toMatchObject({ state: 'sound', session, events: 1 })
  })

  it('is read as it stood when the reading began, while it goes on', async () => {
    using ground = newGround()
    await using recordings = await ground.open({ limits: { chunkBytes: 1_000 } })
    const session = newSession()
    const recorder = recordings.open(session)
    for (let i = 1; i <= 20; i++) recorder.append(operation(i))
    let count = 0
    for await (const { seq } of recordings.read(session)) {
      expect(seq).toBe(++count)
      if (count < 5) recorder.append(operation(20 + count))
      if (count === 5) await recorder.close()
    }
    expect(count).toBe(20)
    expect(await eventsOf(recordings, session)).toHaveLength(24)
  })

  it('takes nothing more once it is sealed', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const recorder = recordings.open(newSession())
    await recorder.close()
    expect(() => recorder.append(operation(1))).toThrow(
      expect.objectContaining({ code: 'gateway/cannot-record' }),
    )
    await recorder.close()
    expect(ground.failures).toEqual([])
  })

  it('keeps an operation of several megabytes in full', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    const text = `insert into t values ('${randomBytes(3_000_000).toString('hex')}')`
    recorder.append(operation(1, text))
    recorder.commit()
    await recorder.close()
    expect((await eventsOf(recordings, session))[0]).toMatchObject({ text })
  })

  it('refuses an event beyond the limit, and goes on', async () => {
    using ground = newGround()
    await using recordings = await ground.open({ limits: { maxEventBytes: 10_000 } })
    const session = newSession()
    const recorder = recordings.open(session)
    expect(() => recorder.append(operation(1, 'é'.repeat(5_000)))).toThrow(
      expect.objectContaining({ code: 'gateway/cannot-record' }),
    )
    recorder.append(operation(2))
    await recorder.close()
    expect(await recordings.verify(session)).toMatchObject({ state: 'sound', events: 1 })
    expect(ground.failures).toEqual([])
  })

  it('is not recorded twice at the same time, nor under a name that is no session id', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    recordings.open(session)
    expect(() => recordings.open(session)).toThrow(expect.objectContaining({ code: 'gateway/cannot-record' }))
    expect(() => recordings.open('../../etc/passwd' as SessionId)).toThrow(TypeError)
    expect(await recordings.describe('../lock' as SessionId)).toBeUndefined()
  })

  it('is written to its file in one go, its seal with it, where it is short', async () => {
    using ground = newGround()
    const opened: string[] = []
    const writes = new Map<number, number>()
    const disk: Disk = {
      ...nodeDisk,
      create(path) {
        opened.push(path)
        const file = nodeDisk.create(path)
        if (path.endsWith('.recording')) writes.set(file, 0)
        return file
      },
      append(path) {
        opened.push(path)
        return nodeDisk.append(path)
      },
      write(file, bytes) {
        if (writes.has(file)) writes.set(file, writes.get(file)! + 1)
        nodeDisk.write(file, bytes)
      },
    }
    await using recordings = await ground.open({ disk })
    const session = newSession()
    const recorder = recordings.open(session)
    for (const event of [operation(1), closed]) recorder.append(event)
    await recorder.close()
    expect(opened.filter((path) => path.endsWith('.recording'))).toHaveLength(1)
    expect([...writes.values()]).toEqual([1])
    expect(await recordings.verify(session)).toMatchObject({ state: 'sound', events: 2 })
  })

  it('lies on the disk unreadable, for its own user only', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(operation(1, 'select a_very_telling_name'))
    recorder.commit()
    const check = (): void => {
      const files = filesUnder(ground.directory).filter((file) => !basename(file).startsWith('lock'))
      expect(files.length).toBeGreaterThan(0)
      for (const file of files) {
        expect(readFileSync(file).includes('telling')).toBe(false)
        expect(statSync(file).mode & 0o077).toBe(0)
      }
    }
    check()
    await recorder.close()
    check()
    expect((await recordings.describe(session))?.isOpen).toBe(false)
  })
})

describe('the directory of recordings', () => {
  it('does not know sessions that it never had', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    await expect(eventsOf(recordings, newSession())).rejects.toThrow(NoSuchRecording)
    await expect(recordings.verify(newSession())).rejects.toThrow(NoSuchRecording)
    expect(await recordings.describe(newSession())).toBeUndefined()
  })

  it('leaves no journal when it was closed, and goes on counting seals when it is opened again', async () => {
    using ground = newGround()
    const sessions = [newSession(), newSession()]
    for (const session of sessions) {
      await using recordings = await ground.open()
      expect(recordings.recovered).toEqual([])
      // Left open: closing the recordings seals it.
      recordings.open(session).append(operation(1))
    }
    expect(readdirSync(join(ground.directory, 'journal'))).toEqual([])
    await using recordings = await ground.open()
    expect(recordings.sealLogHead.number).toBe(2)
    for (const session of sessions)
      expect(await recordings.verify(session)).toMatchObject({ state: 'sound', events: 1 })
    expect(await recordings.verifyAll()).toMatchObject({
      log: { state: 'sound', seals: 2 },
      missing: [],
      repeated: [],
    })
  })

  it('belongs to one process at a time', async () => {
    using ground = newGround()
    await using _recordings = await ground.open()
    await expect(ground.open({ limits: { lockWaitMs: 0 } })).rejects.toThrow(
      'another process records into this directory',
    )
  })

  it('cannot be opened with another key while a journal is there, and is not touched', async () => {
    using ground = newGround()
    await using recordings = await ground.open()
    const recorder = recordings.open(newSession())
    recorder.append(operation(1))
    recorder.commit()
    using copy = copyOf(ground.directory)
    const encryptionKey = createSecretKey(randomBytes(32))
    await expect(ground.open({ directory: copy.directory, encryptionKey })).rejects.toThrow(
      'another gateway key',
    )
    await using again = await ground.open({ directory: copy.directory })
    expect(again.recovered).toHaveLength(1)
  })

  it('wants keys of the right kind', async () => {
    using ground = newGround()
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    await expect(ground.open({ signingKey: privateKey })).rejects.toThrow(TypeError)
    await expect(ground.open({ encryptionKey: createSecretKey(randomBytes(16)) })).rejects.toThrow(TypeError)
  })

  it('holds seals in files of a limited number', async () => {
    using ground = newGround()
    for (let round = 0; round < 2; round++) {
      await using recordings = await ground.open({ limits: { sealsPerFile: 3 } })
      await Promise.all(Array.from({ length: 4 }, () => recordings.open(newSession()).close()))
      const verification = await recordings.verifyAll()
      expect(verification.log).toMatchObject({ state: 'sound', seals: 4 * (round + 1) })
    }
    expect(readdirSync(join(ground.directory, 'seals'))).toHaveLength(3)
  })
})

describe('what someone does to the files', () => {
  async function sealedOnes(): Promise<ReturnType<typeof newGround> & { sessions: SessionId[] }> {
    const ground = newGround()
    const sessions = [newSession(), newSession(), newSession()]
    await using recordings = await ground.open({ limits: { chunkBytes: 500 } })
    for (const session of sessions) {
      const recorder = recordings.open(session)
      for (let i = 1; i <= 10; i++) recorder.append(operation(i))
      await recorder.close()
    }
    return { ...ground, sessions }
  }
  const fileOf = (directory: string, session: SessionId): string =>
    join(directory, 'sealed', session.slice(4, 9), `${session}.recording`)

  it('shows where a recording was removed', async () => {
    using ground = await sealedOnes()
    rmSync(fileOf(ground.directory, ground.sessions[1]!))
    await using recordings = await ground.open()
    expect((await recordings.verifyAll()).missing).toEqual([ground.sessions[1]])
  })

  it('shows where a seal was removed with its recording', async () => {
    using ground = await sealedOnes()
    const log = join(ground.directory, 'seals', '00000000.seals')
    const lines = readFileSync(log, 'utf8').split('\n')
    writeFileSync(log, [...lines.slice(0, 2), ...lines.slice(4)].join('\n'))
    await using recordings = await ground.open()
    expect((await recordings.verifyAll()).log).toEqual({
      state: 'broken',
      seals: 1,
      detail: 'seal 2 is missing: number 3 follows',
    })
    expect(await recordings.verify(ground.sessions[1]!)).toMatchObject({
      state: 'broken',
      detail: 'the seal log does not have its seal',
    })
  })

  it('shows where a recording took the place of another', async () => {
    using ground = await sealedOnes()
    const [first, second] = ground.sessions
    writeFileSync(fileOf(ground.directory, second!), readFileSync(fileOf(ground.directory, first!)))
    await using recordings = await ground.open()
    expect(await recordings.verify(second!)).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('another name') as unknown,
    })
  })

  it('shows wherever a file was cut off or changed', async () => {
    using ground = await sealedOnes()
    const session = ground.sessions[0]!
    const path = fileOf(ground.directory, session)
    const bytes = readFileSync(path)
    await using recordings = await ground.open()
    for (let at = 100; at < bytes.length; at += 37) {
      writeFileSync(path, bytes.subarray(0, at))
      expect((await recordings.verify(session)).state).toBe('broken')
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      writeFileSync(path, changed)
      expect((await recordings.verify(session)).state).toBe('broken')
    }
  })
})

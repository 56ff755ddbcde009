import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createPublicKey, generateKeyPairSync, createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock, type SessionId } from '@sallyport/core'
import { expect, it } from 'vitest'
import { openRecordings } from '../src/index.ts'
import { eventsOf, exported } from './ground.ts'
import { verifyRecording } from '../src/verify.ts'

const rounds = 15

it('loses no acknowledged event when it is killed, at any moment, again and again in the same directory', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-killed-'))
  const { privateKey } = generateKeyPairSync('ed25519')
  const publicKey = createPublicKey(privateKey)
  const encryptionKey = createSecretKey(randomBytes(32))
  const acknowledged = new Map<SessionId, number>()
  const sealed = new Set<SessionId>()
  let acknowledgements = 0
  try {
    for (let round = 0; round < rounds; round++) {
      const child = spawn(
        process.execPath,
        [
          fileURLToPath(new URL('recorder-process.ts', import.meta.url)),
          directory,
          Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64'),
          encryptionKey.export().toString('base64'),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      // Killed by how much it has done, so that each round ends at another moment of its work.
      const lastBytes = 50 + Math.floor(Math.random() * 60_000)
      let said = ''
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.length > lastBytes) child.kill('SIGKILL')
      })
      await once(child, 'close')
      expect(child.signalCode).toBe('SIGKILL')
      for (const line of said.split('\n').slice(0, -1)) {
        const [what, session, events] = line.split(' ') as [string, SessionId, string]
        acknowledged.set(session, Number(events))
        if (what === 'closed') sealed.add(session)
        acknowledgements++
      }
      await using recordings = await openRecordings({
        directory,
        signingKey: privateKey,
        encryptionKey,
        clock: systemClock,
        onFailure: (fault) => expect.fail(fault.message),
      })
      for (const [session, events] of acknowledged) {
        const found = await recordings.verify(session)
        expect(found.state).toMatch(sealed.has(session) ? /^sound$/ : /^(sound|interrupted)$/)
        expect(found.events).toBeGreaterThanOrEqual(events)
        expect(verifyRecording(await exported(recordings, session), publicKey).state).toBe(found.state)
        expect(await eventsOf(recordings, session)).toHaveLength(found.events)
      }
      expect(await recordings.verifyAll()).toMatchObject({
        log: { state: 'sound' },
        missing: [],
        repeated: [],
      })
      acknowledged.clear()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  expect(acknowledgements).toBeGreaterThan(rounds)
}, 60_000)

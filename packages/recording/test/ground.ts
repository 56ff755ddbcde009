import { createSecretKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  factsOf,
  onOwnBehalf,
  principalId,
  sessionId,
  systemClock,
  type Fault,
  type OperationId,
  type RecordingEvent,
  type SessionId,
} from '@sallyport/core'
import { openRecordings, type RecordedEvent, type Recordings, type RecordingsOptions } from '../src/index.ts'

/** A directory of its own and keys to go with it; removed when disposed. */
export interface Ground extends Disposable {
  readonly directory: string
  readonly publicKey: KeyObject
  readonly failures: Fault[]
  open(over?: Partial<RecordingsOptions>): Promise<Recordings>
}

export function newGround(): Ground {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-recording-'))
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const encryptionKey = createSecretKey(randomBytes(32))
  const failures: Fault[] = []
  return {
    directory,
    publicKey,
    failures,
    open: (over) =>
      openRecordings({
        directory,
        signingKey: privateKey,
        encryptionKey,
        clock: systemClock,
        onFailure: (fault) => failures.push(fault),
        ...over,
      }),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** What is on the disk at this moment, as if the process died now. */
export function copyOf(directory: string): Disposable & { readonly directory: string } {
  const copy = mkdtempSync(join(tmpdir(), 'sallyport-recording-copy-'))
  cpSync(directory, copy, { recursive: true })
  return { directory: copy, [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }) }
}

export function newSession(): SessionId {
  return sessionId(Date.now(), randomBytes(16))
}

const alice = onOwnBehalf({
  kind: 'user',
  id: principalId('user', 'alice'),
  name: 'Alice',
  groups: ['developers'],
})

export function opened(session: SessionId): RecordingEvent {
  return {
    kind: 'opened',
    session,
    ...alice,
    resource: 'orders-db',
    protocol: 'postgres',
    account: 'app',
    clientAddress: '10.0.0.9:40112',
    policyVersion: '3',
  }
}

const facts = [
  factsOf({
    actions: ['read'],
    objects: [{ path: ['shop', 'public', 'orders'], actions: ['read'] }],
    exposes: [],
    context: { unfiltered: false },
  }),
]

export function operation(id: number, text = `select ${id}`): Extract<RecordingEvent, { kind: 'operation' }> {
  return {
    kind: 'operation',
    id: id as OperationId,
    text,
    parameters: ['a', null, Buffer.from([0, 255])],
    facts,
    effect: 'allow',
    policies: ['readers'],
  }
}

export const closed: RecordingEvent = {
  kind: 'closed',
  reason: 'client-left',
  operations: 1,
  bytesUp: 10,
  bytesDown: 20,
}

export async function eventsOf(recordings: Recordings, session: SessionId): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const event of recordings.read(session)) events.push(event)
  return events
}

export async function exported(recordings: Recordings, session: SessionId): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of recordings.export(session)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

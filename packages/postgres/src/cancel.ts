import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { ClientCertificate, Session } from '@sallyport/core'
import { encodeCancel } from './codec/startup.ts'
import { secure, type Target } from './login/upstream.ts'

const timeoutMs = 5_000

const processIdBytes = 4

/**
 * A cancel key of our own: the target's process id, by which drivers tell their own notifications, and a secret, 4 bytes
 * for protocol 3.0, 32 from 3.2 on. The target's secret never leaves the gateway. Sessions may share a process id, on
 * several targets: only the secret tells them apart.
 * @param targets its key; where it gave none the process id is made up
 */
export function mintCancelKey(minor: number, targets: Uint8Array | undefined): Buffer {
  const key = randomBytes(processIdBytes + (minor >= 2 ? 32 : 4))
  if (targets !== undefined && targets.length > processIdBytes) key.set(targets.subarray(0, processIdBytes))
  else key[0]! &= 0x7f
  return key
}

/**
 * Cancels what the target runs for this session, on a connection of its own, and waits until the target has closed it.
 * Also after the session's end: a killed session's statement must not go on.
 * @param showsCertificate whether its log-in showed one: what stands before a server may let nobody in without
 */
export async function cancelUpstream(
  session: Session,
  target: Target,
  key: Uint8Array,
  showsCertificate: boolean,
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  const raw = await session.dial(signal)
  try {
    const certificate = showsCertificate ? await certificateOf(session) : undefined
    const stream = await secure(raw, target, certificate, signal)
    stream.write(encodeCancel(key))
    await ended(stream, signal)
  } finally {
    raw.destroy()
  }
}

/** PostgreSQL itself asks nobody who cancels: where there is none to be had, it is tried without. */
async function certificateOf(session: Session): Promise<ClientCertificate | undefined> {
  const credential = await session.credential().catch(() => undefined)
  return credential?.clientCertificate
}

function ended(stream: Duplex, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    stream.on('end', done).on('close', done).on('error', done)
    signal.addEventListener('abort', done, { once: true })
    stream.resume()
  })
}

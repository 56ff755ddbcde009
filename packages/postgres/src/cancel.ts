import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { Session } from '@sallyport/core'
import { encodeCancel } from './codec/startup.ts'
import { secure, type Target } from './login/upstream.ts'

const timeoutMs = 5_000

/**
 * A cancel key of our own: a process id of 31 bits and a secret, 4 bytes for protocol 3.0, 32 from 3.2 on. The target's
 * key never leaves the gateway.
 */
export function mintCancelKey(minor: number): Buffer {
  const key = randomBytes(4 + (minor >= 2 ? 32 : 4))
  key[0]! &= 0x7f
  return key
}

/**
 * Cancels what the target runs for this session, on a connection of its own, and waits until the target has closed it.
 * Also after the session's end: a killed session's statement must not go on.
 */
export async function cancelUpstream(session: Session, target: Target, key: Uint8Array): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  const raw = await session.dial(signal)
  try {
    const stream = await secure(raw, target, signal)
    stream.write(encodeCancel(key))
    await ended(stream, signal)
  } finally {
    raw.destroy()
  }
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

import { Fault, type OwnTarget } from '@sallyport/core'
import { Deadline } from '@sallyport/wire'
import type { ScramKeyring } from './login/scram-keys.ts'
import { logIn, type Target } from './login/upstream.ts'
import type { PostgresOptions } from './options.ts'
import { SideConnection } from './side-connection.ts'

export interface SideOptions {
  readonly database: string
  readonly keyring: ScramKeyring
  /** For the log-in, and for each question. */
  readonly timeoutMs: number
  /** Settings of the target for this connection. */
  readonly settings?: Readonly<Record<string, string>>
  /** Ends it, where it is given. */
  readonly signal?: AbortSignal
}

/** Logs in to a target for the gateway's own questions. @throws Fault */
export async function openSide(
  target: Pick<OwnTarget<PostgresOptions>, 'resource' | 'dial' | 'credential'>,
  { database, keyring, timeoutMs, settings, signal }: SideOptions,
): Promise<SideConnection> {
  const ended = new AbortController()
  const raw = await target.dial(signal)
  signal?.addEventListener('abort', () => raw.destroy(), { once: true })
  raw
    .on('error', (cause) => ended.abort(cause instanceof Fault ? cause : closed(cause)))
    .on('close', () => ended.abort(closed()))
  using deadline = new Deadline(timeoutMs, () => tooSlow(timeoutMs), ended.signal)
  try {
    const { stream } = await logIn(
      raw,
      {
        target: targetOf(target),
        credential: await target.credential(),
        parameters: {
          database,
          client_encoding: 'UTF8',
          standard_conforming_strings: 'on',
          application_name: 'sallyport',
          statement_timeout: String(timeoutMs),
          ...settings,
        },
        keyring,
      },
      deadline.signal,
    )
    return new SideConnection(stream, ended.signal)
  } catch (thrown) {
    raw.destroy()
    throw thrown
  }
}

function tooSlow(timeoutMs: number): Fault {
  return new Fault('target/too-slow', `the target did not complete the log-in within ${timeoutMs / 1000} s`)
}

function closed(cause?: Error): Fault {
  return new Fault('target/closed', 'the connection to the target is gone', { cause })
}

export function targetOf({ resource }: Pick<OwnTarget<PostgresOptions>, 'resource'>): Target {
  return { host: resource.host, tls: resource.options.tls }
}

import { Fault, type OwnTarget } from '@sallyport/core'
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
  try {
    const { stream } = await logIn(
      raw,
      {
        target: targetOf(target),
        credential: await target.credential(),
        parameters: {
          database,
          client_encoding: 'UTF8',
          application_name: 'sallyport',
          statement_timeout: String(timeoutMs),
          ...settings,
        },
        keyring,
      },
      AbortSignal.any([ended.signal, AbortSignal.timeout(timeoutMs)]),
    )
    return new SideConnection(stream, ended.signal)
  } catch (thrown) {
    raw.destroy()
    throw thrown
  }
}

function closed(cause?: Error): Fault {
  return new Fault('target/closed', 'the connection to the target is gone', { cause })
}

export function targetOf({ resource }: Pick<OwnTarget<PostgresOptions>, 'resource'>): Target {
  return { host: resource.host, tls: resource.options.tls }
}

import type { Duplex } from 'node:stream'
import { Fault, type Clock, type Secret, type Session, type UpstreamCredential } from '@sallyport/core'
import { parsePrivateKey } from '@sallyport/openssh'
import { SshConnection } from '../connection/connection.ts'
import type { SshOptions } from '../options.ts'
import { connectSsh, Transport, type LogIn as SshLogIn } from '../ssh2/index.ts'
import { HostKeys } from './host-keys.ts'

/** A target that is logged in to. */
export interface Target {
  readonly ssh: SshConnection
  /** Leaves in good order. */
  leave(): void
}

/**
 * Logs in to a session's target.
 * @throws Fault target/bad-host-key, target/login-failed, target/malformed, target/closed, or of the dial or the credential, or the
 * signal's reason
 */
export async function reachTarget(
  session: Session<SshOptions>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Target> {
  const stream = await session.dial(signal)
  try {
    const credential = await session.credential()
    const { host, port, options } = session.resource
    const keys = new HostKeys(options.hostKeys, { host, port })
    return await logIn(stream, credential, keys, clock, signal)
  } catch (thrown) {
    stream.on('error', () => undefined).destroy()
    throw thrown
  }
}

function logIn(
  stream: Duplex,
  credential: UpstreamCredential,
  keys: HostKeys,
  clock: Clock,
  signal: AbortSignal,
): Promise<Target> {
  return new Promise((resolve, reject) => {
    const client = connectSsh(stream, {
      username: credential.user,
      logIns: logInsOf(credential),
      verifyHost: (shown) => keys.accepts(shown, clock.now()),
      hostKeyTypes: keys.algorithms,
      wantsHostCertificate: keys.hasAuthority,
      // Another clock runs.
      readyTimeoutMs: 0,
    })
    const onAbort = (): void => fail(signal.reason)
    const stop = (): void => signal.removeEventListener('abort', onAbort)
    const fail = (thrown: unknown): void => {
      stop()
      reject(thrown as Error)
    }
    client.on('error', (error) => fail(keys.fault ?? faultOf(error)))
    client.on('close', () =>
      fail(keys.fault ?? new Fault('target/closed', 'the target closed the connection during the log-in')),
    )
    client.once('ready', () => {
      stop()
      // The very next message may be one for us.
      const ssh: SshConnection = new SshConnection(new Transport(client, () => ssh))
      client.on('close', () => ssh.over())
      resolve({ ssh, leave: () => client.end() })
    })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

/** @throws Fault gateway/no-credential where the key is of a kind that no SSH server takes, or the credential is for TLS */
function logInsOf(credential: UpstreamCredential): SshLogIn[] {
  if (credential.isForVerifiedTlsOnly === true)
    throw new Fault('gateway/no-credential', "the account's credential is one for TLS, which SSH is not")
  if (credential.privateKey !== undefined)
    return [
      {
        type: 'publickey',
        key: inOpenSsh(credential.privateKey).reveal(),
        ...(credential.certificate !== undefined && { certificate: Buffer.from(credential.certificate) }),
      },
    ]
  const password = credential.password?.reveal()
  if (password === undefined) return [{ type: 'none' }]
  return [
    { type: 'password', password },
    { type: 'keyboard-interactive', password },
  ]
}

function inOpenSsh(key: Secret): Secret {
  try {
    return parsePrivateKey(key).toOpenSsh()
  } catch (cause) {
    throw new Fault('gateway/no-credential', "the account's key is of a kind that is not supported", {
      cause,
    })
  }
}

function faultOf(cause: Error & { level?: string }): Fault {
  if (cause.level === 'client-authentication')
    return new Fault('target/login-failed', "the target did not accept the account's credential", { cause })
  if (cause.level === 'client-socket')
    return new Fault('target/closed', 'the connection to the target broke', { cause })
  return new Fault('target/malformed', 'the target does not speak SSH as this gateway does', { cause })
}

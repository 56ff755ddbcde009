import type { Duplex } from 'node:stream'
import { connect, TLSSocket, type ConnectionOptions, type SecureContext } from 'node:tls'
import { Fault, type ClientCertificate, type FaultCode } from '@sallyport/core'

export interface ServerTls {
  readonly context: SecureContext
  readonly alpn: readonly string[]
}

/** TLS towards a client, over a stream whose next bytes are its ClientHello. @throws Fault client/malformed, or the signal's reason */
export function secureDownstream(stream: Duplex, tls: ServerTls, signal: AbortSignal): Promise<TLSSocket> {
  const socket = new TLSSocket(stream, {
    isServer: true,
    secureContext: tls.context,
    ALPNProtocols: [...tls.alpn],
  })
  return handshake(socket, 'secure', 'client/malformed', 'the TLS handshake failed', signal)
}

export interface ClientTls {
  /** `verify-full` checks chain and name; `require` encrypts only, which is for targets on trusted networks. */
  readonly mode: 'verify-full' | 'require'
  /** PEM of the authority to trust, in place of the system's. */
  readonly ca?: string
  readonly servername: string
  readonly alpn: readonly string[]
  /**
   * For servers that ask for one; give it with `verify-full` alone. A server that turns out to be another one may have seen the
   * certificate by then, and can do nothing with it: what proves its key is for this handshake.
   */
  readonly clientCertificate?: ClientCertificate
}

/** TLS towards a target, inside the tunnel: the agent sees ciphertext. @throws Fault target/bad-certificate, or the signal's reason */
export function secureUpstream(stream: Duplex, tls: ClientTls, signal: AbortSignal): Promise<TLSSocket> {
  const { clientCertificate } = tls
  const options: ConnectionOptions = {
    socket: stream,
    servername: /^[\d.:]+$/.test(tls.servername) ? '' : tls.servername,
    host: tls.servername,
    rejectUnauthorized: tls.mode === 'verify-full',
    ALPNProtocols: [...tls.alpn],
    minVersion: 'TLSv1.2',
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(clientCertificate !== undefined && {
      cert: clientCertificate.chain,
      key: clientCertificate.privateKey.reveal(),
    }),
  }
  return handshake(
    connect(options),
    'secureConnect',
    'target/bad-certificate',
    "the target's TLS certificate was not accepted",
    signal,
  )
}

function handshake(
  socket: TLSSocket,
  done: 'secure' | 'secureConnect',
  code: FaultCode,
  shown: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.off(done, onDone).off('error', onError).off('close', onClose)
      signal.removeEventListener('abort', onAbort)
    }
    const onDone = (): void => {
      stop()
      // Between here and whoever listens next an error must not end the process: 'close' follows it.
      socket.on('error', () => undefined)
      resolve(socket)
    }
    const onError = (cause: Error): void => {
      stop()
      // A late error of a socket that we give up must not be thrown.
      socket.on('error', () => undefined)
      socket.destroy()
      reject(new Fault(code, shown, { cause }))
    }
    const onClose = (): void => onError(new Error('closed during the handshake'))
    const onAbort = (): void => {
      stop()
      socket.on('error', () => undefined)
      socket.destroy()
      reject(signal.reason as Error)
    }
    socket.on(done, onDone).on('error', onError).on('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

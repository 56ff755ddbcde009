import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { serverAlgorithms, type KeyLimits } from './algorithms.ts'

export interface HostKey {
  /** Private, in PEM or OpenSSH's form. */
  readonly key: string | Buffer
  /** What an authority says of it, as OpenSSH encodes it; for clients that know the authority. */
  readonly certificate?: Uint8Array
}

export interface ServerOptions {
  /** One of each type is used. */
  readonly hostKeys: readonly HostKey[]
  /** What follows `SSH-2.0-` in our first line. */
  readonly ident: string
  /** Shown before log-in. */
  readonly banner?: string
  /** From connecting to being logged in, in milliseconds: the last resort, 150 s unless said. */
  readonly loginGraceMs?: number
  /** Failed log-ins of one connection; those that ask for nothing (`none`) are not counted. 6 unless said. */
  readonly maxAuthTries?: number
  readonly limits?: KeyLimits
}

/** What the client said of itself before anything was protected. */
export interface ClientHello {
  /** Such as `OpenSSH_9.2p1`. */
  readonly software: string
  readonly comments?: string
}

export type AuthMethod = 'none' | 'password' | 'publickey' | 'keyboard-interactive' | 'hostbased'

interface AuthRequestBase<Method extends AuthMethod> extends EventEmitter<{ abort: [] }> {
  readonly method: Method
  /** Was valid UTF-8; the connection ends where it was not. */
  readonly username: string
  accept(): void
  /** `isPartial`: this one was right, and one of `methods` has to follow. */
  reject(methods?: readonly AuthMethod[], isPartial?: boolean): void
}

export interface PasswordRequest extends AuthRequestBase<'password'> {
  /** An object where the client wants to change it. */
  readonly password: string | { readonly oldPassword: string; readonly newPassword: string }
}

/** `accept` of a request without a signature says that one with it is worth sending. ssh2 verifies nothing of it. */
export interface PublicKeyRequest extends AuthRequestBase<'publickey'> {
  /** As the client named it, such as `rsa-sha2-512` or `ssh-ed25519-cert-v01@openssh.com`. */
  readonly algorithm: string
  /** A public key or a certificate, as it came (RFC 4253 section 6.6, PROTOCOL.certkeys). */
  readonly key: { readonly data: Buffer }
  /** What was signed: the session's identifier and this request (RFC 4252 section 7). */
  readonly blob?: Buffer
  /** With its algorithm's name in front, as it came. */
  readonly rawSignature?: Buffer
}

export interface Prompt {
  readonly prompt: string
  readonly echo: boolean
}

export interface KeyboardRequest extends AuthRequestBase<'keyboard-interactive'> {
  /** `answered` gets an Error where the client gave up for another method. */
  prompt(
    prompts: Prompt[],
    title: string,
    instructions: string,
    answered: (answers: readonly string[] | Error) => void,
  ): void
}

export type AuthRequest =
  | PasswordRequest
  | PublicKeyRequest
  | KeyboardRequest
  | AuthRequestBase<'none'>
  | AuthRequestBase<'hostbased'>

export interface ServerConnectionEvents {
  authentication: [request: AuthRequest]
  /** Somebody is logged in. */
  ready: []
  /** New keys are in use; the first, too. */
  handshake: [agreed: { readonly kex: string }]
  error: [error: Error]
  /** All of it is over; nothing comes after. */
  close: []
}

/** One client's connection, up to log-in; from `ready` on, a {@link Transport} has to take what comes. */
export interface ServerConnection extends EventEmitter<ServerConnectionEvents> {
  /** Says goodbye and closes. */
  end(): void
  /** New keys, now. */
  rekey(): void
}

type Serve = (connection: ServerConnection, hello: ClientHello) => void

/** The server's half of SSH, on streams that somebody else accepted. */
export class SshServer {
  readonly #server: ssh2.Server
  readonly #serves = new WeakMap<object, Serve>()

  /** @throws Error where a host key cannot be read */
  constructor(options: ServerOptions) {
    this.#server = new ssh2.Server({
      hostKeys: options.hostKeys.map(({ key, certificate }) => ({
        key,
        certificate: certificate && Buffer.from(certificate),
      })),
      ident: options.ident,
      banner: options.banner,
      algorithms: serverAlgorithms,
      loginGraceMs: options.loginGraceMs ?? 150_000,
      maxAuthTries: options.maxAuthTries ?? 6,
      limits: options.limits,
    } as ssh2.ServerConfig)
    this.#server.on('connection', (connection, { header }) => {
      const serve = this.#serves.get((connection as unknown as { _sock: object })._sock)
      const { software } = header.versions
      serve?.(
        connection as unknown as ServerConnection,
        header.comments === undefined ? { software } : { software, comments: header.comments },
      )
    })
  }

  /** Speaks SSH on `stream`. `serve` is called once the client has said what it is, before key exchange; it listens at once. */
  accept(stream: Duplex, serve: Serve): void {
    this.#serves.set(stream, serve)
    this.#server.injectSocket(stream as never)
  }
}

// Whoever does the connection protocol asks whether the client is there, and knows its answers.
ssh2.Server.KEEPALIVE_CLIENT_INTERVAL = 0

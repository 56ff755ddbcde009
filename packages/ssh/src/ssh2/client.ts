import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { certified, clientAlgorithms, hostKeyTypes, ident, type KeyLimits } from './algorithms.ts'

/** How to log in, in the order of `ClientOptions.logIns`. */
export type LogIn =
  | { readonly type: 'none' }
  | { readonly type: 'password'; readonly password: string }
  /** A password by another name; whoever asks for more than that gets no answer. */
  | { readonly type: 'keyboard-interactive'; readonly password: string }
  | {
      readonly type: 'publickey'
      /** PEM or OpenSSH's form. */
      readonly key: string | Buffer
      /** Of `key`, as OpenSSH encodes it: the target is shown it in the key's place. */
      readonly certificate?: Uint8Array
    }

export interface ClientOptions {
  readonly username: string
  readonly logIns: readonly LogIn[]
  /**
   * Is this the target's key? Asked at each key exchange, before anything is said to it. That the target has the key is seen
   * to; where `key` is a certificate, all of what it says is to be checked.
   */
  readonly verifyHost: (key: Buffer) => boolean | Promise<boolean>
  /** Kinds of the keys that are known, which the target should rather show than others. */
  readonly hostKeyTypes?: readonly string[]
  /** Ask for the host key's certificate where there is one. */
  readonly wantsHostCertificate?: boolean
  /** From connecting to being logged in, in milliseconds. */
  readonly readyTimeoutMs: number
  readonly limits?: KeyLimits
  /** Other key exchanges than `clientAlgorithms` has, for targets that need it. */
  readonly kex?: readonly string[]
}

interface ClientConnectionEvents {
  /** Logged in. */
  ready: []
  /** New keys are in use. */
  handshake: [agreed: { readonly kex: string }]
  error: [error: Error]
  close: []
}

/** A connection to a target, up to log-in; from `ready` on, a {@link Transport} has to take what comes. */
export interface ClientConnection extends EventEmitter<ClientConnectionEvents> {
  end(): void
  destroy(): void
}

/** The client's half of SSH, on a stream that is connected. */
export function connectSsh(stream: Duplex, options: ClientOptions): ClientConnection {
  const { username } = options
  const logIns = options.logIns.map((logIn) => ({
    ...logIn,
    username,
    ...(logIn.type === 'keyboard-interactive' && { prompt: answering(logIn.password) }),
    ...(logIn.type === 'publickey' && logIn.certificate && { certificate: Buffer.from(logIn.certificate) }),
  }))
  const plainKeys = hostKeyTypes(options.hostKeyTypes ?? [])
  return new ssh2.Client().connect({
    sock: stream as never,
    username,
    ident,
    algorithms: {
      ...clientAlgorithms,
      ...(options.kex && { kex: options.kex }),
      serverHostKey: options.wantsHostCertificate ? [...certified(plainKeys), ...plainKeys] : plainKeys,
    },
    readyTimeout: options.readyTimeoutMs,
    limits: options.limits,
    hostVerifier: (key: Buffer, decide: (isRight: boolean) => void) => {
      void Promise.resolve(options.verifyHost(key)).then(decide, () => decide(false))
    },
    authHandler: (left: unknown, partial: unknown, next: (logIn: never) => void) =>
      next((logIns.shift() ?? false) as never),
  } as unknown as ssh2.ConnectConfig) as unknown as ClientConnection
}

type Prompted = (
  name: string,
  words: string,
  language: string,
  prompts: unknown[],
  finish: (answers: string[]) => void,
) => void

const answering =
  (password: string): Prompted =>
  (_name, _words, _language, prompts, finish) =>
    finish(prompts.length === 1 ? [password] : [])

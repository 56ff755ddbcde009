import type { EventEmitter } from 'node:events'
import type { Duplex, Readable, Writable } from 'node:stream'

/**
 * The bytes of one channel: what the other side's program prints, or a forwarded connection. Reading late holds the sender up
 * (2 MiB per channel, both streams together); so does a peer that takes nothing, for the writer.
 */
interface Channel extends Duplex {
  /** Says that no more comes from this side, where it has not been said. */
  eof(): void
  close(): void
}

/** A channel of a client of ours. `end` says EOF and closes, once stderr is out; a forwarded connection stays half open. */
export interface ServerChannel extends Channel {
  readonly stderr: Writable
  /** How the program ended; before `end`. */
  exit(status: number): void
  exit(signal: string, coreDumped?: boolean, message?: string): void
}

/** A channel to a target. */
export interface ClientChannel extends Channel {
  readonly stderr: Readable
  signal(name: string): void
  setWindow(rows: number, columns: number, heightPixels: number, widthPixels: number): void
}

export interface TerminalSize {
  readonly cols: number
  readonly rows: number
  /** In pixels. */
  readonly width: number
  readonly height: number
}

export interface Terminal extends TerminalSize {
  readonly term: string
  /** Those that RFC 4254 section 8 names. */
  readonly modes: Readonly<Record<string, number>>
  /** All of them as they came, for a target that knows more. */
  readonly rawModes: Buffer
}

/** Absent where the client wants no answer. Answers go out in the order of the requests, however late one is given. */
type Answer = (() => void) | undefined

/**
 * What a client asks of a channel that may run one program. Names and values are bytes: nothing says that they are UTF-8.
 * Of `exec`, `shell` and `subsystem` one can be accepted; what the client sends until then waits for the channel.
 */
export interface SessionEvents {
  env: [accept: Answer, reject: Answer, variable: { readonly key: Buffer; readonly val: Buffer }]
  pty: [accept: Answer, reject: Answer, terminal: Terminal]
  'window-change': [accept: Answer, reject: Answer, size: TerminalSize]
  signal: [accept: Answer, reject: Answer, signal: { readonly name: string }]
  x11: [accept: Answer, reject: Answer]
  'auth-agent': [accept: Answer, reject: Answer]
  exec: [accept: AcceptChannel, reject: () => void, program: { readonly command: Buffer }]
  shell: [accept: AcceptChannel, reject: () => void]
  /** sftp is one like the others. */
  subsystem: [accept: AcceptChannel, reject: () => void, program: { readonly name: Buffer }]
  /** The client sends no more. */
  eof: []
  close: []
}

/** @returns nothing where the client has closed meanwhile */
export type AcceptChannel = () => ServerChannel | undefined

/** A channel of the type "session", before anything runs in it and while it does. */
export interface SessionChannel extends EventEmitter<SessionEvents> {
  readonly type: 'session'
}

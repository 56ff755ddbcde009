import { Fault } from '@sallyport/core'

/**
 * Every message of protocol 3.x: who says it, how long it may be, and how much of it we must see.
 * Lengths are of the body with its length word, as on the wire.
 * @see PostgreSQL documentation, "Message Formats"
 */
interface TagRule {
  /** Longest length word that is accepted. */
  readonly cap: number
  /** `whole`: judged with its body; `head`: judged by tag and length, the body follows the verdict. */
  readonly need: 'whole' | 'head'
}

const small = 10_000
const password = 65_535
/** The protocol's own ceiling (MaxAllocSize); bodies of this size only ever stream through. */
const streamed = 0x3fffffff
/** What must be buffered whole to be judged or masked. */
export const wholeMessageBytes = 64 * 1024 * 1024

const frontend: Readonly<Record<string, TagRule>> = {
  B: { cap: wholeMessageBytes, need: 'whole' }, // Bind
  C: { cap: small, need: 'whole' }, // Close
  D: { cap: small, need: 'whole' }, // Describe
  E: { cap: small, need: 'whole' }, // Execute
  F: { cap: wholeMessageBytes, need: 'whole' }, // FunctionCall
  H: { cap: small, need: 'whole' }, // Flush
  P: { cap: wholeMessageBytes, need: 'whole' }, // Parse
  Q: { cap: wholeMessageBytes, need: 'whole' }, // Query
  S: { cap: small, need: 'whole' }, // Sync
  X: { cap: small, need: 'whole' }, // Terminate
  c: { cap: small, need: 'whole' }, // CopyDone
  d: { cap: streamed, need: 'head' }, // CopyData
  f: { cap: small, need: 'whole' }, // CopyFail
  p: { cap: password, need: 'whole' }, // PasswordMessage, SASL answers
}

const backend: Readonly<Record<string, TagRule>> = {
  '1': { cap: small, need: 'whole' }, // ParseComplete
  '2': { cap: small, need: 'whole' }, // BindComplete
  '3': { cap: small, need: 'whole' }, // CloseComplete
  A: { cap: wholeMessageBytes, need: 'head' }, // NotificationResponse
  C: { cap: small, need: 'whole' }, // CommandComplete
  D: { cap: streamed, need: 'head' }, // DataRow
  E: { cap: wholeMessageBytes, need: 'whole' }, // ErrorResponse
  G: { cap: wholeMessageBytes, need: 'whole' }, // CopyInResponse
  H: { cap: wholeMessageBytes, need: 'whole' }, // CopyOutResponse
  I: { cap: small, need: 'whole' }, // EmptyQueryResponse
  K: { cap: small, need: 'whole' }, // BackendKeyData
  N: { cap: wholeMessageBytes, need: 'whole' }, // NoticeResponse
  R: { cap: wholeMessageBytes, need: 'whole' }, // Authentication…
  S: { cap: wholeMessageBytes, need: 'whole' }, // ParameterStatus
  T: { cap: wholeMessageBytes, need: 'whole' }, // RowDescription
  V: { cap: streamed, need: 'head' }, // FunctionCallResponse
  Z: { cap: small, need: 'whole' }, // ReadyForQuery
  c: { cap: small, need: 'whole' }, // CopyDone
  d: { cap: streamed, need: 'head' }, // CopyData
  n: { cap: small, need: 'whole' }, // NoData
  s: { cap: small, need: 'whole' }, // PortalSuspended
  t: { cap: wholeMessageBytes, need: 'whole' }, // ParameterDescription
  v: { cap: small, need: 'whole' }, // NegotiateProtocolVersion
}

/** Tags as numbers, for switches on bytes. */
export const tag = {
  bind: 0x42,
  close: 0x43,
  describe: 0x44,
  execute: 0x45,
  functionCall: 0x46,
  flush: 0x48,
  parse: 0x50,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
  copyFail: 0x66,
  password: 0x70,
  copyDone: 0x63,
  copyData: 0x64,
  parseComplete: 0x31,
  bindComplete: 0x32,
  closeComplete: 0x33,
  notification: 0x41,
  commandComplete: 0x43,
  dataRow: 0x44,
  error: 0x45,
  copyInResponse: 0x47,
  copyOutResponse: 0x48,
  emptyQuery: 0x49,
  backendKey: 0x4b,
  notice: 0x4e,
  authentication: 0x52,
  parameterStatus: 0x53,
  rowDescription: 0x54,
  functionResult: 0x56,
  copyBothResponse: 0x57,
  ready: 0x5a,
  noData: 0x6e,
  portalSuspended: 0x73,
  parameterDescription: 0x74,
  negotiateVersion: 0x76,
} as const

/** Tag byte and length word. */
export const headBytes = 5

interface Rules {
  readonly caps: Int32Array
  readonly whole: Uint8Array
  readonly blame: 'client' | 'target'
}

const compile = (rules: Readonly<Record<string, TagRule>>, blame: Rules['blame']): Rules => {
  const caps = new Int32Array(256).fill(-1)
  const whole = new Uint8Array(256)
  for (const [letter, rule] of Object.entries(rules)) {
    caps[letter.charCodeAt(0)] = rule.cap
    whole[letter.charCodeAt(0)] = rule.need === 'whole' ? 1 : 0
  }
  return { caps, whole, blame }
}

const compiled = { client: compile(frontend, 'client'), server: compile(backend, 'target') }

/**
 * Length of the frame at `at`, tag included. hot path.
 * @throws Fault malformed for an unknown tag or a length below four; too-large beyond the tag's cap
 */
export function frameLength(side: 'client' | 'server', chunk: Buffer, at: number): number {
  const rules = compiled[side]
  const cap = rules.caps[chunk[at]!]!
  const length = chunk.readInt32BE(at + 1)
  if (cap === -1)
    throw new Fault(`${rules.blame}/malformed`, `unknown message type 0x${chunk[at]!.toString(16)}`)
  if (length < 4) throw new Fault(`${rules.blame}/malformed`, `invalid message length ${length}`)
  if (length > cap) {
    throw new Fault(
      rules.blame === 'client' ? 'client/too-large' : 'target/malformed',
      `message of ${length} bytes exceeds the limit of ${cap} for type "${String.fromCharCode(chunk[at]!)}"`,
    )
  }
  return length + 1
}

/** Whether the frame is judged with its body. hot path. */
export function needsWhole(side: 'client' | 'server', tagByte: number): boolean {
  return compiled[side].whole[tagByte] === 1
}

import { isUtf8 } from 'node:buffer'
import type { FactsInput, Outcome, Parameter, RecordingEvent, SessionId } from '@sallyport/core'

/** Names the format and its version, in the first line and in the seal. */
export const format = 'sallyport-recording/1'

/** What every event carries beside its own fields. */
export interface Stamp {
  /** 1, 2, 3… without a gap. */
  readonly seq: number
  /** Milliseconds since 1970, UTC. */
  readonly at: number
}

type PassedEvent = Extract<RecordingEvent, { kind: 'output' | 'input' }>

type OperationEvent = Extract<RecordingEvent, { kind: 'operation' }>

/** An event as a recording gives it back. Facts that were read are no longer proof of a classifier, hence `FactsInput`. */
export type RecordedEvent = Stamp &
  (
    | Exclude<RecordingEvent, OperationEvent>
    | (Omit<OperationEvent, 'facts'> & { readonly facts: readonly FactsInput[] })
  )

/** The first line of a recording, without its line feed. */
export function headerLine(session: SessionId, at: number): string {
  return JSON.stringify({ recording: format, session, at })
}

/**
 * One event as one line of JSON, without its line feed. `prev` is the hash of the line before.
 * hot path: an operation and its result are put together by hand, from pieces that were written before where they recur.
 */
export function eventLine(event: RecordingEvent, seq: number, at: number, prev: string): string {
  const stamp = `{"seq":${seq},"at":${at},"prev":"${prev}",`
  switch (event.kind) {
    case 'operation':
      return stamp + operationFields(event)
    case 'result':
      return `${stamp}"kind":"result","id":${event.id},"outcome":${outcomeText(event.outcome)},"durationMs":${event.durationMs}}`
    case 'output':
    case 'input':
      return stamp + passedFields(event)
    default:
      return stamp + JSON.stringify(event).slice(1)
  }
}

function operationFields(event: OperationEvent): string {
  const { id, text, parameters, facts, effect, policies, reason, review } = event
  const known = `"facts":${textOf(facts)},"effect":"${effect}","policies":${textOf(policies)}`
  const more = reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`
  const reviewed = review === undefined ? '' : `,"review":${JSON.stringify(review)}`
  const given = parameters.length === 0 ? '[]' : JSON.stringify(encodeParameters(parameters))
  return `"kind":"operation","id":${id},"text":${JSON.stringify(text)},"parameters":${given},${known}${more}${reviewed}}`
}

/** Bytes as text where they are text to the last, so that a recording is read and searched as it is; otherwise as Base64. */
function passedFields(event: PassedEvent): string {
  const bytes = bytesOf(event.bytes)
  const held = isUtf8(bytes)
    ? `"text":${JSON.stringify(bytes.toString())}`
    : `"base64":"${bytes.toString('base64')}"`
  const stream = event.kind === 'output' ? `,"stream":"${event.stream}"` : ''
  return `"kind":"${event.kind}","id":${event.id}${stream},${held}}`
}

function outcomeText(outcome: Outcome): string {
  const { status, rows, sizeBytes, maskedValues, maskedColumns, errorCode } = outcome
  const columns = maskedColumns.length === 0 ? '[]' : JSON.stringify(maskedColumns)
  const error = errorCode === undefined ? '' : `,"errorCode":${JSON.stringify(errorCode)}`
  return `{"status":"${status}","rows":${rows},"sizeBytes":${sizeBytes},"maskedValues":${maskedValues},"maskedColumns":${columns}${error}}`
}

/** Facts and policies as JSON. A statement that is repeated brings the same objects, which are never changed. */
const texts = new WeakMap<object, string>()

function textOf(value: readonly unknown[]): string {
  let text = texts.get(value)
  if (text === undefined) texts.set(value, (text = JSON.stringify(value)))
  return text
}

type EncodedParameter = string | null | { readonly base64: string }

function encodeParameters(parameters: readonly Parameter[]): readonly EncodedParameter[] {
  if (!parameters.some((parameter) => parameter instanceof Uint8Array)) return parameters as (string | null)[]
  return parameters.map((parameter) =>
    parameter instanceof Uint8Array ? { base64: bytesOf(parameter).toString('base64') } : parameter,
  )
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** Reads back what {@link eventLine} wrote. For lines whose chain has been, or is being, verified. */
export function readEventLine(line: string): RecordedEvent {
  const { prev: _, ...event } = JSON.parse(line) as RecordedEvent & { prev: string }
  if (event.kind === 'output' || event.kind === 'input') return withBytes(event)
  if (event.kind !== 'operation') return event
  const parameters = event.parameters as readonly EncodedParameter[]
  return { ...event, parameters: parameters.map(decodeParameter) }
}

function withBytes(
  event: PassedEvent & Stamp & { readonly text?: string; readonly base64?: string },
): RecordedEvent {
  const { text, base64, ...passed } = event
  return { ...passed, bytes: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text) }
}

function decodeParameter(parameter: EncodedParameter): Parameter {
  return typeof parameter === 'object' && parameter !== null
    ? Buffer.from(parameter.base64, 'base64')
    : parameter
}

/** What is known of a line before it is trusted: whether it is the next of its chain. */
export interface LineLink {
  readonly seq: number
  readonly prev: string
}

export function readLink(line: string): LineLink | undefined {
  const parsed = parseObject(line)
  if (typeof parsed?.['seq'] !== 'number' || typeof parsed['prev'] !== 'string') return undefined
  return { seq: parsed['seq'], prev: parsed['prev'] }
}

/** @returns the session that a header line names, or undefined where it is no header of this format */
export function readHeader(line: string): SessionId | undefined {
  const parsed = parseObject(line)
  if (parsed?.['recording'] !== format || typeof parsed['session'] !== 'string') return undefined
  return parsed['session'] as SessionId
}

/** A JSON object, or undefined: hostile text throws nothing. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

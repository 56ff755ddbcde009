import type { RecordedLine } from '@sallyport/api'
import type { RecordedEvent } from '@sallyport/recording'

/** A line of the API as the recording has it. */
export function recorded({ sequence, at, ...line }: RecordedLine): RecordedEvent {
  const event = { ...line, seq: sequence, at: Date.parse(at) }
  return (
    line.kind === 'output' || line.kind === 'input' ? { ...event, bytes: bytesOf(line) } : event
  ) as RecordedEvent
}

/** What came in an event of output or input. */
export function bytesOf({ text, base64 }: Readonly<Record<string, unknown>>): Buffer {
  if (typeof text === 'string') return Buffer.from(text)
  return Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64')
}

import type { RecordedLine } from '@sallyport/api'
import type { OperationId } from '@sallyport/core'
import type { Surroundings } from '../surroundings.ts'
import { play, type PlaybackOptions, type Played } from './playback.ts'
import { recorded } from './recorded.ts'

/** What a recording is, by its first events, and all of it. */
export interface Begun {
  readonly isOfTerminal: boolean
  readonly lines: AsyncIterable<RecordedLine>
}

/** Reads on until it is known whether somebody worked in a terminal: then that comes before anything has come of what was asked. */
export async function begun(lines: AsyncIterable<RecordedLine>): Promise<Begun> {
  const all = lines[Symbol.asyncIterator]()
  const first: RecordedLine[] = []
  let isOfTerminal = false
  for (let next = await all.next(); next.done !== true; next = await all.next()) {
    first.push(next.value)
    isOfTerminal = next.value.kind === 'terminal'
    if (isOfTerminal || ['result', 'output', 'transfer'].includes(next.value.kind)) break
  }
  return { isOfTerminal, lines: chained(first, all) }
}

async function* chained(
  first: readonly RecordedLine[],
  rest: AsyncIterator<RecordedLine>,
): AsyncGenerator<RecordedLine> {
  yield* first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/** Plays it in this terminal. @returns whether to its end */
export async function replayTerminal(
  lines: AsyncIterable<RecordedLine>,
  operation: number | undefined,
  options: PlaybackOptions,
  surroundings: Surroundings,
): Promise<boolean> {
  return play(played(lines, operation), options, surroundings)
}

async function* played(
  lines: AsyncIterable<RecordedLine>,
  operation: number | undefined,
): AsyncGenerator<Played> {
  const { asciicastOf } = await import('@sallyport/recording')
  for await (const line of asciicastOf(recordedOf(lines), operation as OperationId | undefined))
    if (!('version' in line)) yield { atMs: line[0] * 1000, code: line[1], data: line[2] }
}

async function* recordedOf(lines: AsyncIterable<RecordedLine>) {
  for await (const line of lines) yield recorded(line)
}

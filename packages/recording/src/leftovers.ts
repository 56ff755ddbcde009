import { existsSync, readdirSync, statSync } from 'node:fs'
import type { KeyObject } from 'node:crypto'
import type { SessionId } from '@sallyport/core'
import { ChainReader, type ChainState } from './chain.ts'
import type { Disk } from './disk.ts'
import { readEventLine } from './event-line.ts'
import { readSegment } from './journal-format.ts'
import { fileName, isSessionId, sessionOfFile, type Layout } from './layout.ts'
import type { Limits } from './limits.ts'
import { LineSplitter } from './lines.ts'
import { isSealLine, readSeal, type SealedLines } from './seal.ts'
import { BrokenFrame, FrameReader } from './session-file-format.ts'
import type { SpareBuffers } from './spare-buffers.ts'
import { SessionFile, type Written } from './session-file.ts'

/** What a gateway that died left of one recording: what its file holds, and what the journal has beyond it. */
interface LeftRecording {
  readonly chain: ChainState
  readonly file: SessionFile
  /** Lines that follow those of the file: chained, whole, not in it yet. */
  readonly journalled: readonly string[]
  /** The file ends in its seal already. */
  readonly isSealed: boolean
  /** The seal that the journal has, where the file lacks it. */
  readonly seal: SealedLines | undefined
  /** Its last event is the one that closes a session: nothing is missing. */
  readonly isClosed: boolean
  readonly lastAt: number | undefined
}

export interface Leftovers {
  readonly recordings: readonly LeftRecording[]
  /** Seals that the journal has, in the order of their numbers. */
  readonly seals: readonly { readonly number: number; readonly lines: SealedLines }[]
}

export interface LeftoverParts {
  readonly layout: Layout
  readonly disk: Disk
  readonly gatewayKey: KeyObject
  readonly spares: SpareBuffers
  readonly limits: Limits
}

/**
 * Reads what is there, and cuts from recordings' files what was not written whole.
 * @throws Error where a key cannot be opened: nothing has been removed then
 */
export async function readLeftovers(parts: LeftoverParts, segments: readonly number[]): Promise<Leftovers> {
  const journalled = journalledLines(parts, segments)
  for (const name of readdirSync(parts.layout.open)) {
    const session = sessionOfFile(name)
    if (session !== undefined && !journalled.has(session)) journalled.set(session, noLines)
  }
  const recordings: LeftRecording[] = []
  for (const [session, lines] of journalled) {
    const left = await readLeft(parts, session, lines)
    if (left !== undefined) recordings.push(left)
  }
  const seals = [...journalled.values()].flatMap(({ seal }) => {
    const number = seal === undefined ? undefined : readSeal(seal.seal)?.number
    return seal === undefined || number === undefined ? [] : [{ number, lines: seal }]
  })
  return { recordings, seals: seals.sort((a, b) => a.number - b.number) }
}

interface SessionLines {
  readonly events: string[]
  seal: SealedLines | undefined
}

const noLines: SessionLines = { events: [], seal: undefined }

function journalledLines(
  { layout, gatewayKey }: LeftoverParts,
  segments: readonly number[],
): Map<SessionId, SessionLines> {
  const sessions = new Map<SessionId, SessionLines>()
  const sealLines = new Map<SessionId, string>()
  for (const segment of segments) {
    for (const { session, line } of readSegment(layout.journal, segment, gatewayKey)) {
      if (!isSessionId(session)) continue
      const known = sessions.get(session) ?? { events: [], seal: undefined }
      sessions.set(session, known)
      const sealLine = sealLines.get(session)
      if (sealLine !== undefined) known.seal = { seal: sealLine, signature: line }
      else if (isSealLine(line)) sealLines.set(session, line)
      else known.events.push(line)
    }
  }
  return sessions
}

async function readLeft(
  parts: LeftoverParts,
  session: SessionId,
  { events, seal }: SessionLines,
): Promise<LeftRecording | undefined> {
  const { layout, disk, gatewayKey, spares } = parts
  const reader = new ChainReader()
  const path = [layout.openFile(session), layout.sealedFile(session)].find((candidate) =>
    existsSync(candidate),
  )
  const found = path === undefined ? undefined : await readWritten(parts, path, session, reader)
  let last = found?.last
  const journalled: string[] = []
  for (const line of found?.isSealed === true ? [] : events) {
    // What the file has already is refused, and so is all that follows a line that is missing.
    if (reader.next(Buffer.from(line), line) !== undefined) continue
    journalled.push(line)
    last = line
  }
  const chain = reader.state
  if (chain === undefined) return undefined
  const file = new SessionFile(
    { disk, gatewayKey, spares, name: fileName(session), path: path ?? layout.openFile(session) },
    found?.written,
  )
  const event = chain.events === 0 || last === undefined ? undefined : readEventLine(last)
  return {
    chain,
    file,
    journalled,
    isSealed: found?.isSealed === true,
    seal: seal !== undefined && readSeal(seal.seal)?.head === chain.head ? seal : undefined,
    isClosed: event?.kind === 'closed',
    lastAt: event?.at,
  }
}

interface FoundFile {
  readonly written: Written
  readonly isSealed: boolean
  /** The last line before the seal. */
  readonly last: string | undefined
}

/** @returns undefined where the file was only begun: it is removed then */
async function readWritten(
  { disk, gatewayKey, limits }: LeftoverParts,
  path: string,
  session: SessionId,
  chain: ChainReader,
): Promise<FoundFile | undefined> {
  const { size } = statSync(path)
  if (size <= FrameReader.headBytes) {
    disk.remove(path)
    return undefined
  }
  await using reader = await FrameReader.open(path, fileName(session), gatewayKey, {
    maxFrameBytes: limits.maxEventBytes + limits.chunkBytes,
  })
  let frames = 0
  let sizeBytes = FrameReader.headBytes
  let isSealed = false
  let last: string | undefined
  try {
    for await (const { lines, end } of reader.frames()) {
      for (const line of new LineSplitter().push(lines)) {
        const text = line.toString()
        if (isSealLine(text)) isSealed = true
        else if (!isSealed && chain.next(line, text) === undefined) last = text
      }
      frames++
      sizeBytes = end
    }
  } catch (thrown) {
    // A frame that was not written whole. Any other failure to read is no reason to cut.
    if (!(thrown instanceof BrokenFrame)) throw thrown
    disk.truncate(path, sizeBytes)
  }
  return { written: { key: reader.key, frames, sizeBytes }, isSealed, last }
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyObject } from 'node:crypto'
import type { SessionId } from '@sallyport/core'
import { decrypt, openDataKey, sealedKeyBytes } from './data-key.ts'

/** A segment begins with this, then its sealed key, then frames: length (4 bytes, big-endian), ciphertext, tag. */
export const segmentMagic = Buffer.from('SPJRNL\x00\x01', 'latin1')

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.journal`
}

/** The frame's number in its segment. A segment's key is its own, and a segment is never written on after a restart. */
export function segmentNonce(frame: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUIntBE(frame, 6, 6)
  return nonce
}

/** Numbers of the segments in a directory, in order. */
export function listSegments(directory: string): readonly number[] {
  return readdirSync(directory)
    .filter((name) => /^\d{10}\.journal$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
}

export interface JournalledLine {
  readonly session: SessionId
  readonly line: string
}

/**
 * Every line of a segment up to its first frame that is not whole: what a dying process left behind.
 * @throws Error where its key cannot be opened: then nothing of it may be given up
 */
export function* readSegment(
  directory: string,
  number: number,
  gatewayKey: KeyObject,
): Generator<JournalledLine> {
  const name = segmentName(number)
  const bytes = readFileSync(join(directory, name))
  const headBytes = segmentMagic.length + sealedKeyBytes
  // Cut off while it was begun: it never held an event.
  if (bytes.length < headBytes) return
  if (!bytes.subarray(0, segmentMagic.length).equals(segmentMagic))
    throw new Error(`${name} is no journal segment`)
  const { key } = openDataKey(gatewayKey, name, bytes.subarray(segmentMagic.length, headBytes))
  let at = headBytes
  for (let frame = 0; at + 4 <= bytes.length; frame++) {
    const end = at + 4 + bytes.readUInt32BE(at)
    if (end > bytes.length) return
    let plain: Buffer
    try {
      plain = decrypt(key, segmentNonce(frame), Buffer.alloc(0), bytes.subarray(at + 4, end))
    } catch {
      return
    }
    for (const text of plain.toString().split('\n')) {
      const space = text.indexOf(' ')
      if (space > 0) yield { session: text.slice(0, space) as SessionId, line: text.slice(space + 1) }
    }
    at = end
  }
}

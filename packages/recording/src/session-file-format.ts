import type { KeyObject } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import { decrypt, openDataKey, sealedKeyBytes, type DataKey } from './data-key.ts'

/**
 * A recording's file begins with this, then its sealed key, then frames: length (4 bytes, big-endian), nonce (12),
 * ciphertext, tag (16). In a frame: whole lines, compressed as one zstd frame (RFC 8878).
 */
export const recordingMagic = Buffer.from('SPRCRD\x00\x01', 'latin1')

/** The frame's number in its file is authenticated with it: frames cannot change places. */
export function frameAad(frame: number): Buffer {
  const aad = Buffer.alloc(4)
  aad.writeUInt32BE(frame)
  return aad
}

export interface FileFrame {
  /** Whole lines, each with its line feed. */
  readonly lines: Buffer
  /** Where the frame ends in the file. */
  readonly end: number
}

export interface ReadLimits {
  /** Read no further than this; the file's size where absent. */
  readonly sizeBytes?: number
  readonly maxFrameBytes: number
}

/** A recording's file, open for reading, a frame in memory at a time. */
export class FrameReader implements AsyncDisposable {
  /** Magic and sealed key. */
  static readonly headBytes: number = recordingMagic.length + sealedKeyBytes

  readonly #file: FileHandle
  readonly #sizeBytes: number
  readonly #maxFrameBytes: number
  readonly key: DataKey

  private constructor(file: FileHandle, key: DataKey, sizeBytes: number, maxFrameBytes: number) {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#maxFrameBytes = maxFrameBytes
    this.key = key
  }

  /**
   * @param name to which the file's key is bound
   * @throws UnreadableFile where it is no recording, or its key cannot be opened
   */
  static async open(
    path: string,
    name: string,
    gatewayKey: KeyObject,
    limits: ReadLimits,
  ): Promise<FrameReader> {
    const file = await open(path)
    try {
      const sizeBytes = limits.sizeBytes ?? (await file.stat()).size
      const head = await readAt(file, 0, FrameReader.headBytes)
      const key = openKey(gatewayKey, name, head)
      return new FrameReader(file, key, sizeBytes, limits.maxFrameBytes)
    } catch (thrown) {
      await file.close()
      throw thrown
    }
  }

  /** @throws BrokenFrame at the first frame that is cut off or was changed */
  async *frames(): AsyncGenerator<FileFrame> {
    let at = FrameReader.headBytes
    for (let frame = 0; at < this.#sizeBytes; frame++) {
      const length = (await readAt(this.#file, at, 4)).readUInt32BE()
      const end = at + 4 + length
      if (end > this.#sizeBytes) throw new BrokenFrame('it is cut off')
      const sealed = await readAt(this.#file, at + 4, length)
      const compressed = openFrame(this.key, frame, sealed)
      yield { lines: zstdDecompressSync(compressed, { maxOutputLength: this.#maxFrameBytes }), end }
      at = end
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file.close()
  }
}

/** A file that is not the recording that its name says, or not under this gateway's key. */
export class UnreadableFile extends Error {
  override readonly name: string = 'UnreadableFile'
}

/** A frame that is not as it was written. */
export class BrokenFrame extends UnreadableFile {
  override readonly name = 'BrokenFrame'
}

function openKey(gatewayKey: KeyObject, name: string, head: Buffer): DataKey {
  if (!head.subarray(0, recordingMagic.length).equals(recordingMagic))
    throw new UnreadableFile('it is no recording')
  try {
    return openDataKey(gatewayKey, name, head.subarray(recordingMagic.length))
  } catch (thrown) {
    throw new UnreadableFile('its key does not open: another name, or another gateway key', { cause: thrown })
  }
}

function openFrame(key: DataKey, frame: number, sealed: Buffer): Buffer {
  try {
    return decrypt(key.key, sealed.subarray(0, 12), frameAad(frame), sealed.subarray(12))
  } catch (thrown) {
    throw new BrokenFrame('it was changed', { cause: thrown })
  }
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at)
  if (bytesRead < length) throw new BrokenFrame('it is cut off')
  return buffer
}

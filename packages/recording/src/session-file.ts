import { randomBytes, type KeyObject } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'
import { encrypt, newDataKey, type DataKey } from './data-key.ts'
import type { Disk } from './disk.ts'
import { LineBuffer } from './line-buffer.ts'
import type { SpareBuffers } from './spare-buffers.ts'
import type { SealedLines } from './seal.ts'
import { frameAad, recordingMagic } from './session-file-format.ts'

export interface SessionFileParts {
  readonly disk: Disk
  readonly gatewayKey: KeyObject
  readonly spares: SpareBuffers
  /** The file's name, to which its key is bound wherever the file lies. */
  readonly name: string
  /** Where it lies while its session lives. */
  readonly path: string
}

/** An existing file that is written on: what a session that was interrupted left. */
export interface Written {
  readonly key: DataKey
  readonly frames: number
  readonly sizeBytes: number
}

/**
 * The file of one recording. Decrypted, decompressed and joined, its frames are the bytes of the exported recording, and
 * each frame holds whole lines. It is written behind the journal, and may lag behind it: the lines in between are pending.
 */
export class SessionFile {
  readonly #parts: SessionFileParts
  #path: string
  #key: KeyObject | undefined
  #frames = 0
  #sizeBytes = 0
  readonly #pending: LineBuffer
  #isUnsynced = false

  constructor(parts: SessionFileParts, written?: Written) {
    this.#parts = parts
    this.#path = parts.path
    this.#pending = new LineBuffer(parts.spares, 1024)
    if (written === undefined) return
    this.#key = written.key.key
    this.#frames = written.frames
    this.#sizeBytes = written.sizeBytes
    // Whoever wrote it may not have lived to sync it.
    this.#isUnsynced = true
  }

  get path(): string {
    return this.#path
  }

  /** What is in the file, and the lines that follow it: together, all of the recording at this moment. */
  get content(): { readonly sizeBytes: number; readonly pending: readonly string[] } {
    return { sizeBytes: this.#sizeBytes, pending: this.#pending.bytes.toString().split('\n').slice(0, -1) }
  }

  get pendingBytes(): number {
    return this.#pending.length
  }

  /** hot path */
  push(line: Uint8Array | string): void {
    if (typeof line === 'string') this.#pending.write(line)
    else this.#pending.append(line)
    this.#pending.newline()
  }

  /** Writes the pending lines as one frame, the first one behind the file's head, in one write. Throws what the disk threw. */
  flush(): void {
    if (this.#pending.length === 0) return
    const plain = compress(this.#pending.bytes)
    const { disk, gatewayKey, name } = this.#parts
    const begun = this.#key === undefined ? newDataKey(gatewayKey, name) : undefined
    const key = begun?.key ?? this.#key!
    const nonce = randomBytes(12)
    const sealed = encrypt(key, nonce, frameAad(this.#frames), plain)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(nonce.length + sealed.length)
    const head = begun === undefined ? [] : [recordingMagic, begun.sealed]
    const bytes = Buffer.concat([...head, length, nonce, sealed])
    const file = begun === undefined ? disk.append(this.#path) : disk.create(this.#path)
    try {
      disk.write(file, bytes)
    } finally {
      disk.close(file)
    }
    this.#key = key
    this.#frames++
    this.#sizeBytes += bytes.length
    this.#isUnsynced = true
    this.#pending.release()
  }

  /** Writes what is pending and the seal, and moves the file to where sealed ones lie. */
  finish(lines: SealedLines, path: string): void {
    this.push(lines.seal)
    this.push(lines.signature)
    this.flush()
    this.moveTo(path)
  }

  moveTo(path: string): void {
    if (path === this.#path) return
    this.#parts.disk.rename(this.#path, path)
    this.#path = path
  }

  /** Makes what is in the file durable; the directory's entry is the caller's. */
  async sync(): Promise<void> {
    if (!this.#isUnsynced) return
    this.#isUnsynced = false
    const file = this.#parts.disk.append(this.#path)
    try {
      await this.#parts.disk.sync(file)
    } finally {
      this.#parts.disk.close(file)
    }
  }
}

/**
 * Node.js keeps the last piece of what it wrote until everything is collected, and makes pieces of 16 KiB unless told otherwise: 9
 * sessions a second would leave 17 MB a minute behind.
 */
function compress(lines: Buffer): Buffer {
  const chunkSize = Math.min(4096, Math.max(1024, lines.length >> 3))
  return zstdCompressSync(lines, { chunkSize, params: fast })
}

/** Measured on recordings: as small as the default level makes them, in two thirds of the time. */
const fast = { [constants.ZSTD_c_compressionLevel]: 1 }

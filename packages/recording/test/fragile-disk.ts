import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { nodeDisk, type Disk } from '../src/index.ts'

/**
 * A real disk that can fill up, refuse to sync, or hang while it syncs, and that knows what would be left of each file if
 * the power went now and the kernel had written nothing unasked.
 */
export class FragileDisk implements Disk {
  /** So many bytes can still be written; a write that is larger writes what fits, and fails. */
  freeBytes = Infinity
  syncFailure: Error | undefined
  /** Syncs wait for this. */
  syncing: Promise<void> = Promise.resolve()
  syncs = 0
  readonly #paths = new Map<number, string>()
  readonly #written = new Map<string, number>()
  readonly #durable = new Map<string, number>()

  create(path: string): number {
    return this.#opened(nodeDisk.create(path), path)
  }

  append(path: string): number {
    return this.#opened(nodeDisk.append(path), path)
  }

  #opened(file: number, path: string): number {
    this.#paths.set(file, path)
    if (!this.#written.has(path)) this.#written.set(path, 0)
    return file
  }

  truncate(path: string, sizeBytes: number): void {
    nodeDisk.truncate(path, sizeBytes)
    this.#written.set(path, sizeBytes)
    this.#durable.set(path, Math.min(sizeBytes, this.#durable.get(path) ?? 0))
  }

  write(file: number, bytes: Uint8Array): void {
    const fits = bytes.subarray(0, this.freeBytes)
    nodeDisk.write(file, fits)
    this.freeBytes -= fits.length
    const path = this.#paths.get(file)!
    this.#written.set(path, this.#written.get(path)! + fits.length)
    if (fits.length < bytes.length)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }

  async sync(file: number): Promise<void> {
    this.syncs++
    if (this.syncFailure !== undefined) throw this.syncFailure
    const path = this.#paths.get(file)!
    const written = this.#written.get(path)!
    await this.syncing
    await nodeDisk.sync(file)
    this.#durable.set(path, written)
  }

  close(file: number): void {
    nodeDisk.close(file)
    this.#paths.delete(file)
  }

  makeDirectory(path: string): void {
    nodeDisk.makeDirectory(path)
  }

  syncDirectory(path: string): Promise<void> {
    return nodeDisk.syncDirectory(path)
  }

  rename(from: string, to: string): void {
    nodeDisk.rename(from, to)
    for (const sizes of [this.#written, this.#durable]) {
      sizes.set(to, sizes.get(from) ?? 0)
      sizes.delete(from)
    }
  }

  remove(path: string): void {
    nodeDisk.remove(path)
    this.#written.delete(path)
    this.#durable.delete(path)
  }

  /** A copy of the directory as a power cut would leave it: of each file, what was synced. */
  afterPowerCut(directory: string): Disposable & { readonly directory: string } {
    const copy = mkdtempSync(join(tmpdir(), 'sallyport-power-cut-'))
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const there = join(copy, relative(directory, path))
      mkdirSync(dirname(there), { recursive: true })
      writeFileSync(there, readFileSync(path).subarray(0, this.#durable.get(path) ?? 0))
    }
    return { directory: copy, [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true }) }
  }
}

import { Fault } from '@sallyport/core'
import type { AskedPath, FileRequest, OpenFlags } from '../facts/files.ts'
import { FileOperation } from '../transfer/operation.ts'
import { joinPath, quoted, shownPath, splitPath } from '../transfer/path.ts'
import type { Line } from './lines.ts'

/** What the command says of where files come from, or go to. */
export interface ScpCommand {
  /** `-t`: the client sends; `-f`: the target does. */
  readonly direction: 'upload' | 'download'
  /** As in its words: one to send to, or all to fetch. */
  readonly paths: readonly string[]
  /** `-d`: what is sent to must be a directory. */
  readonly mustBeDirectory: boolean
}

type Named = Extract<Line, { readonly name: Buffer }>

/** Where the names of lines lie: below the command's path, and the directories that began and did not end. */
export class Places {
  readonly isUpload: boolean
  readonly #paths: readonly Buffer[]
  readonly #mustBeDirectory: boolean
  /** Directories that are entered. */
  readonly #below: Buffer[] = []

  constructor({ direction, paths, mustBeDirectory }: ScpCommand) {
    this.isUpload = direction === 'upload'
    this.#paths = paths.map((path) => Buffer.from(path === '' ? '.' : path))
    this.#mustBeDirectory = mustBeDirectory
  }

  get depth(): number {
    return this.#below.length
  }

  /** @throws Fault where there are more than 128 */
  enter(name: Buffer): void {
    if (this.#below.length >= deepest) {
      throw new Fault(
        this.isUpload ? 'client/too-large' : 'target/malformed',
        `scp with directories ${deepest} deep`,
      )
    }
    this.#below.push(name)
  }

  leave(): void {
    this.#below.pop()
  }

  /**
   * A target sends what was asked for, or it is out to write other files of the client's (CVE-2019-6111).
   * @throws Fault target/malformed
   */
  expect(name: Buffer): void {
    if (this.#below.length === 0 && !this.#paths.some((path) => lastName(path).equals(name))) {
      throw new Fault('target/malformed', 'the target sends by scp what was not asked for')
    }
  }

  /** What an upload asks for. Whether its path is a directory only the target knows: both is judged. */
  operationOf(line: Named, hasTimes: boolean): FileOperation {
    const paths: AskedPath[] = this.#placesOf(line.name).map((bytes) => ({ bytes }))
    const requests = paths.flatMap((path): FileRequest[] => [
      line.is === 'file' ? { kind: 'open', path, flags: upload } : { kind: 'make-directory', path },
      ...(hasTimes ? [{ kind: 'set-attributes' as const, path }] : []),
    ])
    const size = line.is === 'file' ? [`${line.sizeBytes} bytes`] : []
    const words = [
      `${line.is === 'file' ? 'upload' : 'make directory'} ${quoted(this.shown(line.name))}`,
      ...size,
      `mode ${line.mode}`,
      ...(hasTimes ? ['with its times'] : []),
    ]
    return new FileOperation(requests, { transfer: 'scp' }, paths, words.join(', '))
  }

  /** Where a name lies, for people. */
  shown(name: Buffer): string {
    return this.#placesOf(name).map(shownPath).join(' or ')
  }

  #placesOf(name: Buffer): readonly Buffer[] {
    const [top, ...deeper] = [...this.#below, name]
    const under = (base: Buffer): Buffer => deeper.reduce(joinPath, base)
    if (!this.isUpload) return [under(this.#paths.find((path) => lastName(path).equals(top)) ?? top)]
    const base = this.#paths[0]!
    const inside = under(joinPath(base, top))
    const isDirectory = this.#mustBeDirectory || splitPath(base) === undefined
    return isDirectory ? [inside] : [under(base), inside]
  }
}

/** A path's last name, slashes at its end left out as scp does. */
function lastName(path: Buffer): Buffer {
  let end = path.length
  while (end > 1 && path[end - 1] === 0x2f) end--
  return path.subarray(path.lastIndexOf(0x2f, end - 1) + 1, end)
}

const deepest = 128
const upload: OpenFlags = {
  read: false,
  write: true,
  append: false,
  create: true,
  truncate: true,
  exclusive: false,
}

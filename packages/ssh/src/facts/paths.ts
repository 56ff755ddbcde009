import { isUtf8 } from 'node:buffer'
import { factLimits } from './limits.ts'

/**
 * What a path is below. `files`: the root directory. `home`: the account's home, which is not known. `elsewhere`: a
 * directory that is not known, as after `cd` or for `~bob`.
 */
export type PathRoot = 'files' | 'home' | 'elsewhere'

/**
 * A path as text alone tells it: `.`, `..` and double slashes are resolved. Where a symbolic link leads, only the target
 * knows.
 */
export interface FilePath {
  readonly root: PathRoot
  /** No name of a real file has a slash: bytes that are no UTF-8 stand as a slash and their hexadecimal form. */
  readonly names: readonly string[]
}

/** Where relative paths begin until it is known where that is. */
export const home: FilePath = { root: 'home', names: [] }

/**
 * @param start where relative paths begin, where it is known
 * @returns undefined where the path is too long or too deep to be judged
 */
export function filePath(bytes: Uint8Array, start: FilePath = home): FilePath | undefined {
  if (bytes.length > factLimits.pathBytes) return undefined
  return below(bytes[0] === slash ? rootDirectory : start, cut(bytes).map(nameOf))
}

/** Path of a word of a command, in which a `~` at the start stands for the home. */
export function wordPath(word: string, base: PathRoot = 'home'): FilePath | undefined {
  if (Buffer.byteLength(word) > factLimits.pathBytes) return undefined
  const parts = word.split('/')
  if (word.startsWith('/')) return below(rootDirectory, parts)
  if (parts[0] === '~') return below(home, parts.slice(1))
  return below({ root: word.startsWith('~') ? 'elsewhere' : base, names: [] }, parts)
}

/** As policies write it: `/etc/shadow`, `~/notes`, `?/notes`. */
export function pathText({ root, names }: FilePath): string {
  return root === 'files' ? `/${names.join('/')}` : [rootText[root], ...names].join('/')
}

/** Path of the object below the resource: `['files', 'etc', 'shadow']`. */
export function objectPath({ root, names }: FilePath): readonly string[] {
  return [root, ...names]
}

/** The facts of paths while they are gathered. */
export class NamedPaths {
  readonly paths = new Set<string>()
  readonly within = new Set<string>()
  readonly names = new Set<string>()
  readonly extensions = new Set<string>()
  readonly reads = new Set<string>()
  readonly writes = new Set<string>()

  add(path: FilePath, use?: 'reads' | 'writes'): void {
    const text = pathText(path)
    if (use !== undefined) this[use].add(text)
    if (this.paths.has(text)) return
    this.paths.add(text)
    for (let count = path.names.length; count >= 0; count--)
      this.within.add(pathText({ root: path.root, names: path.names.slice(0, count) }))
    for (const name of path.names) this.names.add(name)
    const [, ...endings] = (path.names.at(-1) ?? '').toLowerCase().split('.')
    for (const ending of endings) if (ending !== '') this.extensions.add(ending)
  }
}

const slash = 0x2f
const rootDirectory: FilePath = { root: 'files', names: [] }
const rootText = { home: '~', elsewhere: '?' } as const

function below(start: FilePath, parts: readonly string[]): FilePath | undefined {
  let { root } = start
  const names = [...start.names]
  for (const part of parts) {
    if (part === '' || part === '.') continue
    if (part !== '..') names.push(part)
    else if (names.length > 0) names.pop()
    // Above `/` is `/`; what is above an unknown directory is unknown.
    else if (root !== 'files') root = 'elsewhere'
    if (names.length > factLimits.pathNames) return undefined
  }
  return { root, names }
}

function cut(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  let from = 0
  for (let at = bytes.indexOf(slash); at !== -1; at = bytes.indexOf(slash, from)) {
    parts.push(bytes.subarray(from, at))
    from = at + 1
  }
  parts.push(bytes.subarray(from))
  return parts
}

function nameOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer) && !buffer.includes(0) ? buffer.toString('utf8') : `/${buffer.toString('hex')}`
}

import { isUtf8 } from 'node:buffer'
import { refusal, type Refusal } from '@sallyport/core'

/** Linux' own limit (PATH_MAX): what is longer no target there would open. */
export const longestPathBytes = 4_096

/** A path of the target, as those see it who judge: bytes that are no text, or that would not show, are escaped as `\x1b`. */
export interface FilePath {
  /** As the client wrote it. */
  readonly asked: string
  /** From the root, without `.`, `..` and `//`, by its letters alone. */
  readonly absolute: string
  /** What the target says that it is, symbolic links followed, where it was asked; they may be others a moment later. */
  readonly resolved?: string
}

/** Why no path of these bytes is passed on, if so. */
export function unfitPath(path: Buffer, home: Buffer | undefined): Refusal | undefined {
  if (path.length > longestPathBytes) {
    return refusal('too-complex', `a path of ${path.length} bytes: at most ${longestPathBytes} are judged`)
  }
  if (path.includes(0)) {
    return refusal('unparsed', 'a path with a NUL in it: the target would read it only up to there')
  }
  if (home === undefined && path[0] !== slash) {
    return refusal(
      'unparsed',
      'the target does not say where relative paths begin',
      'Use a path that begins with /.',
    )
  }
  return undefined
}

/** From the root, without `.`, `..`, `//` and a slash at the end. `base` is absolute. */
export function absolutePath(path: Buffer, base: Buffer): Buffer {
  const whole =
    path[0] === slash ? path.toString('latin1') : `${base.toString('latin1')}/${path.toString('latin1')}`
  const parts: string[] = []
  for (const part of whole.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return Buffer.from(`/${parts.join('/')}`, 'latin1')
}

/**
 * A path's last name, and the path of the directory that has it. Absent where it ends in `/`, `.` or `..`: what that names is found by
 * following it.
 */
export function splitPath(path: Buffer): { readonly parent: Buffer; readonly name: Buffer } | undefined {
  const at = path.lastIndexOf(slash)
  const name = path.subarray(at + 1)
  const text = name.toString('latin1')
  if (text === '' || text === '.' || text === '..') return undefined
  if (at === -1) return { parent: here, name }
  return { parent: at === 0 ? path.subarray(0, 1) : path.subarray(0, at), name }
}

export function joinPath(parent: Buffer, name: Buffer): Buffer {
  const isRoot = parent.length === 1 && parent[0] === slash
  return Buffer.concat(isRoot ? [parent, name] : [parent, Buffer.of(slash), name])
}

/** Bytes of a path as text. Two paths never look the same. */
export function shownPath(path: Buffer): string {
  if (isUtf8(path)) return shownText(path.toString())
  let shown = ''
  for (let at = 0; at < path.length;) {
    const length = letterBytes(path, at)
    shown += length === 0 ? escaped(path[at]!) : shownText(path.toString('utf8', at, at + length))
    at += Math.max(1, length)
  }
  return shown
}

/** As a word of a longer text. */
export function quoted(shown: string): string {
  return `"${shown.replaceAll('"', String.raw`\"`)}"`
}

function shownText(text: string): string {
  if (plain.test(text)) return text
  return text.replaceAll(unseen, (letter) =>
    letter === '\\' ? '\\\\' : Array.from(Buffer.from(letter), escaped).join(''),
  )
}

function escaped(byte: number): string {
  return String.raw`\x${byte.toString(16).padStart(2, '0')}`
}

/** How many bytes the letter of UTF-8 has that begins there; 0 where none does. */
function letterBytes(path: Buffer, at: number): number {
  const lead = path[at]!
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return at + length <= path.length && isUtf8(path.subarray(at, at + length)) ? length : 0
}

const slash = 0x2f
const here = Buffer.from('.')
const plain = /^[ !-[\]-~]*$/
/** What does not show, or makes what is beside it show otherwise; and what escapes begin with. */
const unseen = /[\p{C}\p{Zl}\p{Zp}\\]/gu

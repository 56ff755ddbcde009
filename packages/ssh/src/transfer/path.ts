import { refusal, type Refusal } from '@sallyport/core'
import type { AskedPath } from '../facts/files.ts'
import { factLimits } from '../facts/limits.ts'
import { shownCommand } from '../facts/shown.ts'

/** Why no path of these bytes is passed on, if so. */
export function unfitPath(path: Buffer, home: Buffer | undefined): Refusal | undefined {
  if (path.length > factLimits.pathBytes) {
    return refusal(
      'too-complex',
      `a path of ${path.length} bytes: at most ${factLimits.pathBytes} are judged`,
    )
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
export function absolutePath(path: Uint8Array, base: Uint8Array): Buffer {
  const text = Buffer.from(path).toString('latin1')
  const whole = path[0] === slash ? text : `${Buffer.from(base).toString('latin1')}/${text}`
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
  return Buffer.concat(parent.at(-1) === slash ? [parent, name] : [parent, Buffer.of(slash), name])
}

/** Bytes of a path as text, in one line. Two paths never look the same. */
export function shownPath(path: Uint8Array): string {
  if (path.length <= factLimits.pathBytes) return shownCommand(path).replaceAll('\n', '')
  return `${shownCommand(path.subarray(0, 256)).replaceAll('\n', '')}… (${path.length} bytes)`
}

/** Where a path leads, as far as is known: for recordings. */
export function shownPlace({ bytes, real }: AskedPath, home: Uint8Array): string {
  return shownPath(real ?? absolutePath(bytes, home))
}

/** How a path stands in an operation's words. */
export function wordPath({ bytes, real }: AskedPath, home: Uint8Array): string {
  const asked = quoted(shownPath(bytes))
  if (real === undefined || absolutePath(bytes, home).equals(real)) return asked
  return `${asked}, which is ${quoted(shownPath(real))},`
}

/** As a word of a longer text. */
export function quoted(shown: string): string {
  return `"${shown.replaceAll('"', String.raw`\"`)}"`
}

const slash = 0x2f
const here = Buffer.from('.')

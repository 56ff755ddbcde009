import { Malformed, control, maxBlobBytes } from './wire.ts'
import { parsePublicKey, type PublicKey } from './public-key.ts'

/** A line of a `.pub` or an `authorized_keys` file. */
export interface KeyLine {
  /** What stands before the key in `authorized_keys`, such as `restrict,command="…"`, as it is written. */
  readonly options?: string
  /** As it is written before the blob, and in it. */
  readonly type: string
  /** A plain key's or a certificate's. */
  readonly blob: Buffer
  readonly comment: string
}

/**
 * @returns undefined for an empty line and a remark
 * @throws Malformed
 */
export function parseKeyLine(line: string): KeyLine | undefined {
  const text = oneLine(line)
  if (text === '' || text.startsWith('#')) return undefined
  const plain = keyAt(text)
  if (plain !== undefined) return plain
  const end = endOfOptions(text)
  const key = keyAt(text.slice(end).trimStart())
  if (key === undefined) throw new Malformed('no public key')
  return { ...key, options: text.slice(0, end) }
}

/** A plain key with its comment, and no options. @throws Malformed */
export function parseKeyText(text: string): { readonly key: PublicKey; readonly comment: string } {
  const lines = text.split('\n').flatMap((line) => parseKeyLine(line) ?? [])
  const [line, ...more] = lines
  if (line === undefined) throw new Malformed('no public key')
  if (more.length > 0) throw new Malformed('more than one public key')
  if (line.options !== undefined) throw new Malformed('options before the key, which are for authorized_keys')
  return { key: parsePublicKey(line.blob), comment: line.comment }
}

/** Type, blob in base64, and comment, without a line's end. */
export function keyLine(blob: Uint8Array, comment = ''): string {
  if (control.test(comment)) throw new Malformed('a comment with control characters')
  const bytes = Buffer.from(blob)
  const type = bytes.subarray(4, 4 + bytes.readUInt32BE()).toString('latin1')
  const line = `${type} ${bytes.toString('base64')}`
  return comment === '' ? line : `${line} ${comment}`
}

/** A line that may be read: of a length that a key may have, and without what a terminal would act on. */
export function oneLine(line: string): string {
  if (line.length > maxLineCharacters)
    throw new Malformed(`a line of more than ${maxLineCharacters} characters`)
  const text = line.replaceAll('\t', ' ').trim()
  if (control.test(text)) throw new Malformed('a line with control characters')
  return text
}

/**
 * The key that a text begins with, where it begins with one.
 * @throws Malformed where there is one that is not whole
 */
export function keyAt(text: string): KeyLine | undefined {
  const [, type, encoded, comment = ''] = /^(\S+) +(\S+)(?: +(.*))?$/.exec(text) ?? []
  if (type === undefined || encoded === undefined || !typeName.test(type)) return undefined
  const blob = Buffer.from(encoded, 'base64')
  if (blob.toString('base64') !== encoded) throw new Malformed('a key that is not base64')
  const name = Buffer.from(type)
  const length = blob.length < 4 ? -1 : blob.readUInt32BE()
  if (length !== name.length || !blob.subarray(4, 4 + length).equals(name))
    throw new Malformed('a key of another type than it says')
  return { type, blob, comment }
}

/** Where the first space stands that is in no quotes, as OpenSSH's sshd reads it. */
function endOfOptions(text: string): number {
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '\\' && text[at + 1] === '"') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ' ' && !isQuoted) return at
  }
  throw new Malformed(isQuoted ? 'quotes that are not closed' : 'no public key')
}

/** Names of types have no comma, quote or equals sign, which options have; all end in what they are. */
const typeName = /^(?:sk-)?(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+)(?:-cert-v01)?(?:@openssh\.com)?$/
const maxLineCharacters = Math.ceil(maxBlobBytes / 3) * 4 + 8192

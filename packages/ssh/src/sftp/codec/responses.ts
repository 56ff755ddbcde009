import { Fault } from '@sallyport/core'
import { Writer } from '@sallyport/wire'
import { Fields, packetOf, writeString, type Attributes } from './fields.ts'
import {
  headBytes,
  judgedExtensions,
  longestHandleBytes,
  longestPacketBytes,
  type,
  version,
} from './packets.ts'

/** What a target answers, all but DATA, which is read where it is. */
export type Response =
  | { readonly is: 'status'; readonly code: number }
  | { readonly is: 'handle'; readonly handle: string }
  | { readonly is: 'name'; readonly names: readonly Buffer[] }
  | { readonly is: 'attrs'; readonly attributes: Attributes }
  /** What is in it is known to who asked. */
  | { readonly is: 'extended-reply'; readonly fields: Fields }

/**
 * Reads a whole response from its type on.
 * @throws Fault target/malformed
 */
export function decodeResponse(packet: Buffer, from: number, to: number): Response {
  const kind = packet[from + 4]!
  const fields = new Fields(packet, from + headBytes, to, 'target/malformed')
  const response = responseOf(kind, fields)
  if (response.is !== 'extended-reply') fields.end()
  return response
}

function responseOf(kind: number, fields: Fields): Response {
  switch (kind) {
    case type.status: {
      const code = fields.uint32()
      // Servers older than the draft leave the text and its language out.
      if (fields.left > 0) fields.string()
      if (fields.left > 0) fields.string()
      return { is: 'status', code }
    }
    case type.handle: {
      const handle = fields.string()
      if (handle.length > longestHandleBytes) {
        throw new Fault('target/malformed', `the target gave a handle of ${handle.length} bytes`)
      }
      return { is: 'handle', handle: handle.toString('latin1') }
    }
    case type.name:
      return { is: 'name', names: namesOf(fields) }
    case type.attrs:
      return { is: 'attrs', attributes: fields.attributes() }
    case type.extendedReply:
      return { is: 'extended-reply', fields }
    default:
      throw new Fault('target/malformed', `the target sent a packet of type ${kind}, which is no answer`)
  }
}

/** Each with a long form and attributes, which pass as they are. */
function namesOf(fields: Fields): readonly Buffer[] {
  const count = fields.uint32()
  if (count * 12 > fields.left)
    throw new Fault('target/malformed', 'the target sent fewer names than it said')
  return Array.from({ length: count }, () => {
    const name = fields.string()
    fields.string()
    fields.attributes()
    return name
  })
}

export interface VersionReply {
  readonly version: number
  readonly extensions: readonly (readonly [name: Buffer, value: Buffer])[]
}

/** @throws Fault target/malformed */
export function decodeVersion(packet: Buffer, from: number, to: number): VersionReply {
  const fields = new Fields(packet, from + 5, to, 'target/malformed')
  return { version: fields.uint32(), extensions: fields.pairs() }
}

/** VERSION with the extensions that are judged, and no others. */
export function encodeVersion(extensions: VersionReply['extensions']): Buffer {
  const writer = new Writer().int32(0).uint8(type.version).int32(version)
  for (const [name, value] of extensions) {
    if (isJudged(name, value)) writeString(writeString(writer, name), value)
  }
  return packetOf(writer)
}

function isJudged(name: Buffer, value: Buffer): boolean {
  const [text, offered] = [name.toString('latin1'), value.toString('latin1')]
  return Object.values(judgedExtensions).some((known) => known.name === text && known.version === offered)
}

export function encodeStatus(id: number, code: number, words: string): Buffer {
  const text = Buffer.from(words)
  const writer = new Writer(text.length + 32)
    .int32(0)
    .uint8(type.status)
    .int32(id | 0)
    .int32(code)
  return packetOf(writeString(writeString(writer, text), noLanguage))
}

/**
 * What `limits@openssh.com` says, with ours where they are less; 0 is no limit, or none that is known.
 * @throws Fault target/malformed
 */
export function clampLimits(id: number, fields: Fields, mostHandles: number): Buffer {
  // Room for all that stands in a packet beside content.
  const mostContent = longestPacketBytes - 1024
  const ours = [longestPacketBytes, mostContent, mostContent, mostHandles]
  const writer = new Writer(64)
    .int32(0)
    .uint8(type.extendedReply)
    .int32(id | 0)
  for (const our of ours) {
    const theirs = fields.uint64()
    const least = theirs === 0n || theirs > our ? our : Number(theirs)
    writer.int32(0).int32(least)
  }
  fields.end()
  return packetOf(writer)
}

const noLanguage = Buffer.alloc(0)

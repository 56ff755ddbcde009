import { Fault } from '@sallyport/core'
import { Writer } from '@sallyport/wire'
import { Fields, packetOf, writeString, type Attributes } from './fields.ts'
import { headBytes, judgedExtensions, longestHandleBytes, type, version } from './packets.ts'

/** What a client may ask, all but READ and WRITE, which are read where they are. Handles as latin1: keys, not text. */
export type Request =
  | { readonly is: 'open'; readonly path: Buffer; readonly flags: number; readonly attributes: Attributes }
  | { readonly is: 'close' | 'fstat' | 'readdir' | 'fstatvfs' | 'fsync'; readonly handle: string }
  | { readonly is: PathVerb; readonly path: Buffer }
  | { readonly is: 'setstat' | 'lsetstat' | 'mkdir'; readonly path: Buffer; readonly attributes: Attributes }
  | { readonly is: 'fsetstat'; readonly handle: string; readonly attributes: Attributes }
  | { readonly is: 'rename' | 'posix-rename' | 'hardlink'; readonly from: Buffer; readonly to: Buffer }
  /** In their order in the packet: which of them is the link, servers do not agree on. */
  | { readonly is: 'symlink'; readonly first: Buffer; readonly second: Buffer }
  | {
      readonly is: 'copy-data'
      readonly from: string
      readonly fromOffset: bigint
      /** 0: to the end. */
      readonly length: bigint
      readonly to: string
      readonly toOffset: bigint
    }
  | { readonly is: 'home-directory'; readonly user: Buffer }
  | { readonly is: 'users-groups-by-id'; readonly uids: Buffer; readonly gids: Buffer }
  | { readonly is: 'limits' }
  | { readonly is: 'unknown'; readonly name: string }

type PathVerb =
  | 'lstat'
  | 'stat'
  | 'opendir'
  | 'remove'
  | 'rmdir'
  | 'realpath'
  | 'readlink'
  | 'statvfs'
  | 'expand-path'

const pathVerbs: Readonly<Record<number, PathVerb>> = {
  [type.lstat]: 'lstat',
  [type.stat]: 'stat',
  [type.opendir]: 'opendir',
  [type.remove]: 'remove',
  [type.rmdir]: 'rmdir',
  [type.realpath]: 'realpath',
  [type.readlink]: 'readlink',
}

/**
 * Reads a whole request from its type on.
 * @throws Fault client/malformed
 */
export function decodeRequest(packet: Buffer, from: number, to: number): Request {
  const kind = packet[from + 4]!
  const fields = new Fields(packet, from + headBytes, to, 'client/malformed')
  const request = requestOf(kind, fields)
  if (request.is !== 'unknown') fields.end()
  return request
}

function requestOf(kind: number, fields: Fields): Request {
  const path = pathVerbs[kind]
  if (path !== undefined) return { is: path, path: fields.string() }
  switch (kind) {
    case type.open:
      return { is: 'open', path: fields.string(), flags: fields.uint32(), attributes: fields.attributes() }
    case type.close:
      return { is: 'close', handle: handleOf(fields) }
    case type.fstat:
      return { is: 'fstat', handle: handleOf(fields) }
    case type.readdir:
      return { is: 'readdir', handle: handleOf(fields) }
    case type.setstat:
      return { is: 'setstat', path: fields.string(), attributes: fields.attributes() }
    case type.mkdir:
      return { is: 'mkdir', path: fields.string(), attributes: fields.attributes() }
    case type.fsetstat:
      return { is: 'fsetstat', handle: handleOf(fields), attributes: fields.attributes() }
    case type.rename:
      return { is: 'rename', from: fields.string(), to: fields.string() }
    case type.symlink:
      return { is: 'symlink', first: fields.string(), second: fields.string() }
    case type.extended:
      return extensionOf(fields)
    default:
      return { is: 'unknown', name: `type ${kind}` }
  }
}

function extensionOf(fields: Fields): Request {
  const name = fields.string().toString('latin1')
  const of = judgedExtensions
  switch (name) {
    case of.posixRename.name:
      return { is: 'posix-rename', from: fields.string(), to: fields.string() }
    case of.hardlink.name:
      return { is: 'hardlink', from: fields.string(), to: fields.string() }
    case of.statvfs.name:
      return { is: 'statvfs', path: fields.string() }
    case of.expandPath.name:
      return { is: 'expand-path', path: fields.string() }
    case of.fstatvfs.name:
      return { is: 'fstatvfs', handle: handleOf(fields) }
    case of.fsync.name:
      return { is: 'fsync', handle: handleOf(fields) }
    case of.lsetstat.name:
      return { is: 'lsetstat', path: fields.string(), attributes: fields.attributes() }
    case of.limits.name:
      return { is: 'limits' }
    case of.copyData.name:
      return {
        is: 'copy-data',
        from: handleOf(fields),
        fromOffset: fields.uint64(),
        length: fields.uint64(),
        to: handleOf(fields),
        toOffset: fields.uint64(),
      }
    case of.homeDirectory.name:
      return { is: 'home-directory', user: fields.string() }
    case of.usersGroupsById.name:
      return { is: 'users-groups-by-id', uids: fields.string(), gids: fields.string() }
    default:
      return { is: 'unknown', name: 'that extension' }
  }
}

function handleOf(fields: Fields): string {
  const handle = fields.string()
  if (handle.length > longestHandleBytes) {
    throw new Fault('client/malformed', `a handle of ${handle.length} bytes: at most ${longestHandleBytes}`)
  }
  return handle.toString('latin1')
}

/** @returns the version that the client speaks at most. @throws Fault client/malformed */
export function decodeInit(packet: Buffer, from: number, to: number): number {
  const fields = new Fields(packet, from + 5, to, 'client/malformed')
  const offered = fields.uint32()
  fields.pairs()
  return offered
}

export const init = packetOf(new Writer().int32(0).uint8(type.init).int32(version))

/** Questions of our own: REALPATH and READLINK. */
export function encodePathRequest(
  kind: typeof type.realpath | typeof type.readlink,
  id: number,
  path: Buffer,
): Buffer {
  const writer = new Writer(headBytes + 4 + path.length)
  return packetOf(
    writeString(
      writer
        .int32(0)
        .uint8(kind)
        .int32(id | 0),
      path,
    ),
  )
}

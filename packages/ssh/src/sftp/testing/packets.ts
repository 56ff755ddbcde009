import { attrFlag, judgedExtensions, type, version } from '../codec/packets.ts'
import type { Attributes } from '../codec/fields.ts'
import type { Request } from '../codec/requests.ts'
import type { Response } from '../codec/responses.ts'

/** Packets of SFTP as bytes, written as the draft has them and not as the product reads them. */
export function packet(kind: number, ...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.of(kind), ...fields])
  return Buffer.concat([uint32(body.length), body])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint64(value: bigint | number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

export function string(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

function attributes({ size, owner, permissions, times, extended }: Attributes): Buffer {
  let flags = 0
  const fields: Buffer[] = []
  const add = (flag: number, ...more: readonly Buffer[]): void => {
    flags += flag
    fields.push(...more)
  }
  if (size !== undefined) add(attrFlag.size, uint64(size))
  if (owner !== undefined) add(attrFlag.owner, uint32(owner.uid), uint32(owner.gid))
  if (permissions !== undefined) add(attrFlag.permissions, uint32(permissions))
  if (times !== undefined) add(attrFlag.times, uint32(times.accessed), uint32(times.modified))
  if (extended !== undefined) {
    add(attrFlag.extended, uint32(extended.length), ...extended.flat().map(string))
  }
  return Buffer.concat([uint32(flags), ...fields])
}

export const init = packet(type.init, uint32(version))

export function versionReply(...extensions: readonly (readonly [string, string])[]): Buffer {
  return packet(type.version, uint32(version), ...extensions.flat().map(string))
}

export function read(id: number, handle: string, offset: number, length: number): Buffer {
  return packet(type.read, uint32(id), string(handle), uint64(offset), uint32(length))
}

export function write(id: number, handle: string, offset: number, data: Buffer): Buffer {
  return packet(type.write, uint32(id), string(handle), uint64(offset), string(data))
}

export function data(id: number, bytes: Buffer): Buffer {
  return packet(type.data, uint32(id), string(bytes))
}

export function status(id: number, code: number, words = ''): Buffer {
  return packet(type.status, uint32(id), uint32(code), string(words), string(''))
}

const kinds = {
  open: type.open,
  close: type.close,
  lstat: type.lstat,
  fstat: type.fstat,
  setstat: type.setstat,
  fsetstat: type.fsetstat,
  opendir: type.opendir,
  readdir: type.readdir,
  remove: type.remove,
  mkdir: type.mkdir,
  rmdir: type.rmdir,
  realpath: type.realpath,
  stat: type.stat,
  rename: type.rename,
  readlink: type.readlink,
  symlink: type.symlink,
} as const

const extensions = {
  'posix-rename': judgedExtensions.posixRename,
  statvfs: judgedExtensions.statvfs,
  fstatvfs: judgedExtensions.fstatvfs,
  hardlink: judgedExtensions.hardlink,
  fsync: judgedExtensions.fsync,
  lsetstat: judgedExtensions.lsetstat,
  limits: judgedExtensions.limits,
  'expand-path': judgedExtensions.expandPath,
  'copy-data': judgedExtensions.copyData,
  'home-directory': judgedExtensions.homeDirectory,
  'users-groups-by-id': judgedExtensions.usersGroupsById,
} as const

export function request(id: number, asked: Exclude<Request, { is: 'unknown' }>): Buffer {
  const fields = requestFields(asked)
  const { is } = asked
  if (is in kinds) return packet(kinds[is as keyof typeof kinds], uint32(id), ...fields)
  const { name } = extensions[is as keyof typeof extensions]
  return packet(type.extended, uint32(id), string(name), ...fields)
}

function requestFields(asked: Exclude<Request, { is: 'unknown' }>): Buffer[] {
  switch (asked.is) {
    case 'open':
      return [string(asked.path), uint32(asked.flags), attributes(asked.attributes)]
    case 'setstat':
    case 'lsetstat':
    case 'mkdir':
      return [string(asked.path), attributes(asked.attributes)]
    case 'fsetstat':
      return [string(asked.handle), attributes(asked.attributes)]
    case 'rename':
    case 'posix-rename':
    case 'hardlink':
      return [string(asked.from), string(asked.to)]
    case 'symlink':
      return [string(asked.first), string(asked.second)]
    case 'copy-data':
      return [
        string(asked.from),
        uint64(asked.fromOffset),
        uint64(asked.length),
        string(asked.to),
        uint64(asked.toOffset),
      ]
    case 'home-directory':
      return [string(asked.user)]
    case 'users-groups-by-id':
      return [string(asked.uids), string(asked.gids)]
    case 'limits':
      return []
    default:
      return [string('handle' in asked ? asked.handle : asked.path)]
  }
}

export function response(id: number, answer: Exclude<Response, { is: 'extended-reply' }>): Buffer {
  switch (answer.is) {
    case 'status':
      return status(id, answer.code)
    case 'handle':
      return packet(type.handle, uint32(id), string(answer.handle))
    case 'attrs':
      return packet(type.attrs, uint32(id), attributes(answer.attributes))
    case 'name': {
      const names = answer.names.flatMap((name) => [string(name), string('-rw-r--r-- 1'), attributes({})])
      return packet(type.name, uint32(id), uint32(answer.names.length), ...names)
    }
  }
}

/** Whole packets of a stream, each with its type and id. */
export function packetsOf(
  stream: Buffer,
): { readonly kind: number; readonly id: number; readonly bytes: Buffer }[] {
  const found = []
  for (let at = 0; at < stream.length;) {
    const bytes = stream.subarray(at, at + 4 + stream.readUInt32BE(at))
    found.push({ kind: bytes[4]!, id: bytes.readUInt32BE(5), bytes })
    at += bytes.length
  }
  return found
}

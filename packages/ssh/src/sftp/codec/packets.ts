/**
 * SFTP version 3: draft-ietf-secsh-filexfer-02, and what OpenSSH adds to it (its PROTOCOL file, section 4). A packet is its length
 * in four bytes, its type in one, its id in four, and fields.
 */

/** What a packet's length may be, itself not counted: OpenSSH's own limit. */
export const longestPacketBytes = 256 * 1024
export const lengthBytes = 4
/** Length, type and id; INIT and VERSION have their version in place of an id. */
export const headBytes = 9
/** The draft's limit. */
export const longestHandleBytes = 256

export const version = 3

export const type = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 200,
  extendedReply: 201,
} as const

export const status = {
  ok: 0,
  eof: 1,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
} as const

const statusNames = [
  'SSH_FX_OK',
  'SSH_FX_EOF',
  'SSH_FX_NO_SUCH_FILE',
  'SSH_FX_PERMISSION_DENIED',
  'SSH_FX_FAILURE',
  'SSH_FX_BAD_MESSAGE',
  'SSH_FX_NO_CONNECTION',
  'SSH_FX_CONNECTION_LOST',
  'SSH_FX_OP_UNSUPPORTED',
]

/** As the draft names it, for recordings. */
export function statusName(code: number): string {
  return statusNames[code] ?? `SSH_FX_${code}`
}

/** What OPEN is for. OpenSSH takes neither READ nor WRITE for READ. */
export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const
export const knownOpenFlags = 63

export const attrFlag = { size: 1, owner: 2, permissions: 4, times: 8, extended: 0x8000_0000 } as const
export const knownAttrFlags = 0x8000_000f

/** The extensions that are judged, with the one version of each that is. What else a target offers is not passed on. */
export const judgedExtensions = {
  posixRename: { name: 'posix-rename@openssh.com', version: '1' },
  statvfs: { name: 'statvfs@openssh.com', version: '2' },
  fstatvfs: { name: 'fstatvfs@openssh.com', version: '2' },
  hardlink: { name: 'hardlink@openssh.com', version: '1' },
  fsync: { name: 'fsync@openssh.com', version: '1' },
  lsetstat: { name: 'lsetstat@openssh.com', version: '1' },
  limits: { name: 'limits@openssh.com', version: '1' },
  expandPath: { name: 'expand-path@openssh.com', version: '1' },
  copyData: { name: 'copy-data', version: '1' },
  homeDirectory: { name: 'home-directory', version: '1' },
  usersGroupsById: { name: 'users-groups-by-id@openssh.com', version: '1' },
} as const

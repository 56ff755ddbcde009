import { refusal, type Refusal } from '@sallyport/core'
import { wordPath, type FileAction, type FileUse } from '../transfer/operation.ts'
import { absolutePath, longestPathBytes, quoted, shownPath, type FilePath } from '../transfer/path.ts'
import type { Attributes } from './codec/fields.ts'
import { knownOpenFlags, openFlag } from './codec/packets.ts'
import type { Request } from './codec/requests.ts'
import type { OpenHandle, Opens } from './handles.ts'
import type { Answer } from './ledger.ts'
import type { Reach } from './resolution.ts'

/** A path that a request names, and what it does there. */
export interface NamedPath {
  readonly bytes: Buffer
  /** Absent: what the path leads to is not looked up. */
  readonly reach?: Reach | undefined
  readonly actions: readonly FileAction[]
  /** `~` and `~user` at its beginning are homes. */
  readonly hasTilde?: boolean
}

/** What must be asked about a request before it is passed on. */
export interface Question {
  /** Paths by name; or the one of what is open. */
  readonly paths: readonly NamedPath[]
  readonly open?: readonly FileUse[]
  readonly actions: readonly FileAction[]
  readonly answer: Answer
  words(paths: readonly FilePath[]): string
  readonly opens?: Opens
  readonly handle?: OpenHandle
  /** What gets content that does not pass here, or loses some. */
  readonly fills?: OpenHandle | undefined
  /** It is refused, whatever policy says. */
  readonly refused?: Refusal | undefined
}

/** Requests that are asked about by the path in them. Those about handles are elsewhere. */
type Named = Exclude<Request, { readonly handle: string }> & {
  readonly is: Exclude<Request['is'], 'copy-data' | 'limits' | 'unknown'>
}

/**
 * What a request asks for.
 * @param linksFirst the target is known to take what a symbolic link holds for SYMLINK's first argument, as OpenSSH does; the draft
 *   has it second, so that elsewhere both readings are asked about
 */
export function questionOf(request: Named, linksFirst: boolean): Question {
  switch (request.is) {
    case 'open':
      return openQuestion(request.path, request.flags, request.attributes)
    case 'opendir':
      return { ...onePath(request.path, 'followed', ['list'], 'handle', 'list'), opens: 'directory' }
    case 'stat':
    case 'statvfs': {
      const answer = request.is === 'stat' ? 'attrs' : 'extended-reply'
      return onePath(request.path, reachOfLook(request.path, 'followed'), ['list'], answer, request.is)
    }
    case 'lstat':
      return onePath(request.path, reachOfLook(request.path, 'itself'), ['list'], 'attrs', 'lstat')
    case 'readlink':
      return onePath(request.path, reachOfLook(request.path, 'itself'), ['list'], 'name', 'read link')
    case 'realpath':
    case 'expand-path':
      return onePath(request.path, undefined, ['list'], 'name', 'resolve', request.is === 'expand-path')
    case 'remove':
      return onePath(request.path, 'itself', ['remove'], 'status', 'remove')
    case 'rmdir':
      return onePath(request.path, 'itself', ['remove'], 'status', 'remove directory')
    case 'mkdir':
      return attributesQuestion(
        request.path,
        'itself',
        ['make-directory'],
        'make directory',
        request.attributes,
      )
    case 'setstat':
      return attributesQuestion(request.path, 'followed', ['set-attributes'], 'set', request.attributes)
    case 'lsetstat':
      return attributesQuestion(request.path, 'itself', ['set-attributes'], 'set', request.attributes)
    case 'rename':
    case 'posix-rename':
      return twoPaths(request.from, 'itself', request.to, ['rename'], (from, to) => `rename ${from} to ${to}`)
    case 'hardlink':
      return twoPaths(request.from, 'followed', request.to, ['link'], (from, to) => `link ${from} as ${to}`)
    case 'symlink':
      return symlinkQuestion(request.first, request.second, linksFirst)
    case 'home-directory': {
      const user = Buffer.concat([Buffer.from('~'), request.user])
      return onePath(user, undefined, ['list'], 'name', 'resolve', true)
    }
    case 'users-groups-by-id': {
      const words = `look up ${request.uids.length / 4} users and ${request.gids.length / 4} groups`
      return { paths: [], actions: ['list'], answer: 'extended-reply', words: () => words }
    }
  }
}

function openQuestion(path: Buffer, flags: number, attributes: Attributes): Question {
  const has = (flag: number): boolean => (flags & flag) !== 0
  const writes = has(openFlag.write) || has(openFlag.append)
  // OpenSSH opens for reading what is to be opened for neither, and creates and truncates all the same.
  const reads = has(openFlag.read) || !writes
  const changes = writes || has(openFlag.create) || has(openFlag.truncate)
  const actions: FileAction[] = [
    ...(reads ? ['download' as const] : []),
    ...(changes ? ['upload' as const] : []),
  ]
  const how = [
    reads && 'read',
    writes && 'write',
    has(openFlag.append) && 'append',
    has(openFlag.create) && 'create',
    has(openFlag.truncate) && 'truncate',
    has(openFlag.exclusive) && 'exclusive',
    ...wordAttributes(attributes),
  ].filter((word) => typeof word === 'string')
  const question = onePath(path, 'followed', actions, 'handle', 'open')
  return {
    ...question,
    words: ([named]) => `open ${wordPath(named!)} to ${how.join(', ')}`,
    opens: { reads, writes, appends: has(openFlag.append) },
    refused:
      (flags & ~knownOpenFlags) === 0
        ? unfitAttributes(attributes)
        : refusal('unsupported', `flags 0x${flags.toString(16)} of an open, which version 3 does not have`),
  }
}

function attributesQuestion(
  path: Buffer,
  reach: Reach,
  actions: readonly FileAction[],
  verb: string,
  attributes: Attributes,
): Question {
  const question = onePath(path, reach, withTruncation(actions, attributes), 'status', verb)
  return {
    ...question,
    words: ([named]) => [`${verb} ${wordPath(named!)}`, ...wordAttributes(attributes)].join(', '),
    refused: unfitAttributes(attributes),
  }
}

/** What FSETSTAT asks for of what is open. */
export function handleAttributesQuestion(handle: OpenHandle, attributes: Attributes): Question {
  const actions = withTruncation(['set-attributes'], attributes)
  const words = [`set ${wordPath(handle.path)}, as opened`, ...wordAttributes(attributes)].join(', ')
  return {
    ...handleQuestion(handle, actions, 'status', words),
    fills: attributes.size === undefined ? undefined : handle,
    refused: unfitAttributes(attributes),
  }
}

/** What a request asks for of what is open. */
export function handleQuestion(
  handle: OpenHandle,
  actions: readonly FileAction[],
  answer: Answer,
  words = `stat ${wordPath(handle.path)}, as opened`,
): Question {
  return { paths: [], open: [{ path: handle.path, actions }], actions, answer, words: () => words, handle }
}

/** The target copies from one open file to another. */
export function copyQuestion(from: OpenHandle, to: OpenHandle): Question {
  return {
    paths: [],
    open: [
      { path: from.path, actions: ['download'] },
      { path: to.path, actions: ['upload'] },
    ],
    actions: ['download', 'upload'],
    answer: 'status',
    fills: to,
    words: () => `copy data of ${wordPath(from.path)} to ${wordPath(to.path)}`,
  }
}

/**
 * A symbolic link is judged by where it is made and by what it leads to, which is relative to its own directory. That is
 * looked up as well: it may be a link itself.
 */
function symlinkQuestion(first: Buffer, second: Buffer, linksFirst: boolean): Question {
  const reading = (held: Buffer, link: Buffer): NamedPath[] => [
    { bytes: link, reach: 'itself', actions: ['link'] },
    { bytes: heldPath(held, link), reach: 'held', actions: ['link'] },
  ]
  const paths = linksFirst ? reading(first, second) : [...reading(first, second), ...reading(second, first)]
  const words = `make a symbolic link ${quoted(shownPath(second))} to ${quoted(shownPath(first))}`
  return { paths, actions: ['link'], answer: 'status', words: () => words }
}

function heldPath(held: Buffer, link: Buffer): Buffer {
  if (held[0] === slash) return held
  return Buffer.concat([link.subarray(0, link.lastIndexOf(slash) + 1), held])
}

function onePath(
  bytes: Buffer,
  reach: Reach | undefined,
  actions: readonly FileAction[],
  answer: Answer,
  verb: string,
  hasTilde = false,
): Question {
  return {
    paths: [{ bytes, reach, actions, hasTilde }],
    actions,
    answer,
    words: ([named]) => `${verb} ${wordPath(named!)}`,
  }
}

function twoPaths(
  from: Buffer,
  reach: Reach,
  to: Buffer,
  actions: readonly FileAction[],
  words: (from: string, to: string) => string,
): Question {
  return {
    paths: [
      { bytes: from, reach, actions },
      { bytes: to, reach: 'itself', actions },
    ],
    actions,
    answer: 'status',
    words: ([first, second]) => words(wordPath(first!), wordPath(second!)),
  }
}

/** Looks change nothing, and cost no second question, unless the letters do not say where the path leads. */
function reachOfLook(path: Buffer, reach: Reach): Reach | undefined {
  return path.includes('..') ? reach : undefined
}

/** To set a size is to cut a file, or to fill it up. */
function withTruncation(actions: readonly FileAction[], { size }: Attributes): readonly FileAction[] {
  return size === undefined ? actions : [...actions, 'upload']
}

function unfitAttributes({ extended }: Attributes): Refusal | undefined {
  if (extended === undefined) return undefined
  return refusal('unsupported', 'extended attributes, whose meaning is not known')
}

function wordAttributes({ size, owner, permissions, times }: Attributes): string[] {
  return [
    ...(size === undefined ? [] : [`size ${size}`]),
    ...(owner === undefined ? [] : [`owner ${owner.uid}, group ${owner.gid}`]),
    ...(permissions === undefined ? [] : [`mode ${permissions.toString(8).padStart(4, '0')}`]),
    ...(times === undefined ? [] : [`modified ${new Date(times.modified * 1000).toISOString()}`]),
  ]
}

/** The path by its letters. `home` is where relative ones begin; of others' homes only they are known by name. */
export function lexicalPath({ bytes, hasTilde }: NamedPath, home: Buffer): FilePath {
  if (bytes.length > longestPathBytes) {
    const start = `${shownPath(bytes.subarray(0, 256))}…`
    return { asked: start, absolute: start }
  }
  const asked = shownPath(bytes)
  if (hasTilde !== true || bytes[0] !== tilde)
    return { asked, absolute: shownPath(absolutePath(bytes, home)) }
  if (bytes.length > 1 && bytes[1] !== slash) return { asked, absolute: asked }
  return { asked, absolute: shownPath(absolutePath(Buffer.concat([here, bytes.subarray(1)]), home)) }
}

const slash = 0x2f
const tilde = 0x7e
const here = Buffer.from('.')

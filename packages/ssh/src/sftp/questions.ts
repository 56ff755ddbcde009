import { refusal, type Refusal } from '@sallyport/core'
import type { AskedPath, FileRequest, OpenFlags } from '../facts/files.ts'
import { absolutePath, quoted, shownPath } from '../transfer/path.ts'
import type { Attributes } from './codec/fields.ts'
import { knownOpenFlags, openFlag } from './codec/packets.ts'
import type { Request } from './codec/requests.ts'
import type { OpenHandle, Opens } from './handles.ts'
import type { Answer } from './ledger.ts'
import type { Reach } from './resolution.ts'

/** A path that a request names. */
export interface NamedPath {
  readonly bytes: Buffer
  /** Absent: what the path leads to is not looked up. */
  readonly reach?: Reach | undefined
}

/** What must be asked about a request before it is passed on. */
export interface Question {
  /** Paths by name; none where it is about what is open. */
  readonly paths: readonly NamedPath[]
  /** Handles that it is about. */
  readonly handles: readonly OpenHandle[]
  readonly answer: Answer
  /** All that it does to its paths, those by name and then those of its handles. */
  requests(paths: readonly AskedPath[]): readonly FileRequest[]
  /** The same for people. @param paths in words */
  words(paths: readonly string[]): string
  readonly opens?: Opens
  /** What is cut or filled up to a size; without one it gets content that does not pass here. */
  readonly fills?: { readonly handle: OpenHandle; readonly size?: number } | undefined
  /** Clients ask it by themselves: their users are not told where it is refused. */
  readonly isUnasked?: boolean
  /** It is refused, whatever policy says. */
  readonly refused?: Refusal | undefined
}

/** Requests that are asked about by the path in them. */
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
      return { ...onePath('list', request.path, 'followed', 'handle', 'list'), opens: 'directory' }
    case 'stat':
      return onePath('list', request.path, reachOfLook(request.path, 'followed'), 'attrs', 'stat')
    case 'statvfs':
      return onePath('list', request.path, reachOfLook(request.path, 'followed'), 'extended-reply', 'statvfs')
    case 'lstat':
      return onePath('list', request.path, reachOfLook(request.path, 'itself'), 'attrs', 'lstat')
    case 'readlink':
      return onePath('list', request.path, reachOfLook(request.path, 'itself'), 'name', 'read link')
    case 'realpath':
      return onePath('list', request.path, undefined, 'name', 'resolve')
    case 'remove':
      return onePath('remove', request.path, 'itself', 'status', 'remove')
    case 'rmdir':
      return onePath('remove', request.path, 'itself', 'status', 'remove directory')
    case 'mkdir': {
      const question = onePath('make-directory', request.path, 'itself', 'status', 'make directory')
      return withAttributes(question, request.attributes)
    }
    case 'setstat':
      return withAttributes(
        onePath('set-attributes', request.path, 'followed', 'status', 'set'),
        request.attributes,
      )
    case 'lsetstat':
      return withAttributes(
        onePath('set-attributes', request.path, 'itself', 'status', 'set'),
        request.attributes,
      )
    case 'rename':
    case 'posix-rename':
      return {
        ...twoPaths(request.from, 'itself', request.to),
        requests: ([from, to]) => [{ kind: 'rename', from: from!, to: to! }],
        words: ([from, to]) => `rename ${from} to ${to}`,
      }
    case 'hardlink':
      return {
        ...twoPaths(request.from, 'followed', request.to),
        requests: ([target, path]) => [{ kind: 'link', path: path!, target: target!, isSymbolic: false }],
        words: ([target, path]) => `link ${target} as ${path}`,
      }
    case 'symlink':
      return symlinkQuestion(request.first, request.second, linksFirst)
    case 'expand-path':
      return tildeQuestion(request.path)
    case 'home-directory':
      return tildeQuestion(Buffer.concat([Buffer.from('~'), request.user]))
    case 'users-groups-by-id':
      return {
        paths: [],
        handles: [],
        answer: 'extended-reply',
        requests: () => accountFiles.map((path) => ({ kind: 'list', path: { bytes: Buffer.from(path) } })),
        isUnasked: true,
        words: () => `look up ${request.uids.length / 4} users and ${request.gids.length / 4} groups`,
      }
  }
}

function openQuestion(path: Buffer, flags: number, attributes: Attributes): Question {
  const has = (flag: number): boolean => (flags & flag) !== 0
  const writes = has(openFlag.write) || has(openFlag.append)
  // OpenSSH opens for reading what is to be opened for neither, and creates and truncates all the same.
  const open: OpenFlags = {
    read: has(openFlag.read) || !writes,
    write: writes,
    append: has(openFlag.append),
    create: has(openFlag.create),
    truncate: has(openFlag.truncate),
    exclusive: has(openFlag.exclusive),
  }
  const how = Object.entries(open).flatMap(([word, isAsked]) => (isAsked ? [word] : []))
  return {
    ...onePath('list', path, 'followed', 'handle', 'open'),
    requests: ([named]) => [{ kind: 'open', path: named!, flags: open }],
    words: ([named]) => `open ${named} to ${[...how, ...wordAttributes(attributes)].join(', ')}`,
    opens: {
      reads: open.read,
      writes,
      appends: open.append,
      isEmptied: open.truncate || (open.create && open.exclusive),
    },
    refused:
      (flags & ~knownOpenFlags) === 0
        ? unfitAttributes(attributes)
        : refusal('unsupported', `flags 0x${flags.toString(16)} of an open, which version 3 does not have`),
  }
}

/** What is asked for about what is open: by the path that it was opened by. */
export function handleQuestion(handle: OpenHandle, answer: Answer, verb: string): Question {
  return {
    paths: [],
    handles: [handle],
    answer,
    requests: ([path]) => [{ kind: 'list', path: path! }],
    words: ([path]) => `${verb} ${path} as opened`,
  }
}

/** What FSETSTAT asks for. */
export function handleAttributesQuestion(handle: OpenHandle, attributes: Attributes): Question {
  const question: Question = {
    ...handleQuestion(handle, 'status', 'set'),
    requests: ([path]) => [{ kind: 'set-attributes', path: path! }],
    fills: attributes.size === undefined ? undefined : { handle, size: Number(attributes.size) },
  }
  return withAttributes(question, attributes)
}

/** The target copies from one open file to another. */
export function copyQuestion(from: OpenHandle, to: OpenHandle): Question {
  return {
    paths: [],
    handles: [from, to],
    answer: 'status',
    requests: ([source, copy]) => [
      { kind: 'open', path: source!, flags: { ...noFlags, read: true } },
      { kind: 'open', path: copy!, flags: { ...noFlags, write: true } },
    ],
    words: ([source, copy]) => `copy data of ${source} to ${copy}`,
    fills: { handle: to },
  }
}

/**
 * A symbolic link is judged by where it is made and by what it leads to, which is relative to its own directory. That is
 * looked up as well: it may be a link itself.
 */
function symlinkQuestion(first: Buffer, second: Buffer, linksFirst: boolean): Question {
  const readings = linksFirst
    ? [{ held: first, link: second }]
    : [
        { held: first, link: second },
        { held: second, link: first },
      ]
  const words = `make a symbolic link ${quoted(shownPath(second))} to ${quoted(shownPath(first))}`
  return {
    paths: readings.flatMap(({ held, link }) => [
      { bytes: link, reach: 'itself' },
      { bytes: heldPath(held, link), reach: 'held' },
    ]),
    handles: [],
    answer: 'status',
    requests: (paths) =>
      readings.map(({ held }, i) => {
        const [path, target] = [paths[2 * i]!, paths[2 * i + 1]!]
        return {
          kind: 'link',
          path,
          target: { bytes: held, real: realOfHeld(held, path, target) },
          isSymbolic: true,
        }
      }),
    words: () => words,
  }
}

/** There need be nothing yet where it leads. */
function realOfHeld(held: Buffer, link: AskedPath, target: AskedPath): Uint8Array | undefined {
  if (target.real !== undefined || link.real === undefined) return target.real
  return absolutePath(Buffer.concat([Buffer.from('../'), held]), link.real)
}

function heldPath(held: Buffer, link: Buffer): Buffer {
  if (held[0] === slash) return held
  return Buffer.concat([link.subarray(0, link.lastIndexOf(slash) + 1), held])
}

/** `~` at its beginning is the home, which is where relative paths begin; of others' homes nothing is known. */
function tildeQuestion(path: Buffer): Question {
  const isOwn = path[0] === tilde && (path.length === 1 || path[1] === slash)
  const below = isOwn ? Buffer.concat([Buffer.from('.'), path.subarray(1)]) : path
  const words = `resolve ${quoted(shownPath(path))}`
  const question = { ...onePath('list', below, undefined, 'name', 'resolve'), words: () => words }
  return path[0] !== tilde || isOwn ? question : { ...question, requests: () => [{ kind: 'unknown' }] }
}

function onePath(
  kind: 'list' | 'remove' | 'make-directory' | 'set-attributes',
  bytes: Buffer,
  reach: Reach | undefined,
  answer: Answer,
  verb: string,
): Question {
  return {
    paths: [{ bytes, reach }],
    handles: [],
    answer,
    requests: ([path]) => [{ kind, path: path! }],
    words: ([path]) => `${verb} ${path}`,
  }
}

function twoPaths(from: Buffer, reach: Reach, to: Buffer): Pick<Question, 'paths' | 'handles' | 'answer'> {
  return {
    paths: [
      { bytes: from, reach },
      { bytes: to, reach: 'itself' },
    ],
    handles: [],
    answer: 'status',
  }
}

/** Looks change nothing, and cost no second question, unless the letters do not say where the path leads. */
function reachOfLook(path: Buffer, reach: Reach): Reach | undefined {
  return path.includes('..') ? reach : undefined
}

/** To set a size is to cut a file, or to fill it up: its content is another then. */
function withAttributes(question: Question, attributes: Attributes): Question {
  return {
    ...question,
    requests: (paths) => {
      const requests = question.requests(paths)
      if (attributes.size === undefined) return requests
      return [
        ...requests,
        { kind: 'open', path: paths[0]!, flags: { ...noFlags, write: true, truncate: true } },
      ]
    },
    words: (paths) => [question.words(paths), ...wordAttributes(attributes)].join(', '),
    refused: unfitAttributes(attributes),
  }
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

const noFlags: OpenFlags = {
  read: false,
  write: false,
  append: false,
  create: false,
  truncate: false,
  exclusive: false,
}
/** Where the names of users and groups stand. */
const accountFiles = ['/etc/passwd', '/etc/group']
const slash = 0x2f
const tilde = 0x7e

import { filePath, home, wordPath, type FilePath } from './paths.ts'
import { baseName } from './programs.ts'
import { readOptions, type OptionSpec } from './options.ts'
import type { Word } from './script.ts'

/** A command that only moves files, in a protocol of its own over its input and output. */
export interface Transfer {
  /** What to speak or to follow: `scp-sink` takes files, `scp-source` gives them; `rsync` and `git` pass as they are. */
  readonly protocol: 'sftp' | 'scp-sink' | 'scp-source' | 'rsync' | 'git'
  /** What it does to each of `paths`, from the protocol's actions. Empty for SFTP, whose requests are judged one by one. */
  readonly actions: readonly string[]
  readonly paths: readonly FilePath[]
  /** As they were given, in the same order. */
  readonly arguments: readonly string[]
  /** Files beside these that it reads or writes, such as a list of names. */
  readonly others: readonly { readonly path: FilePath; readonly action: 'download' | 'upload' }[]
  readonly isRecursive: boolean
  /** It sends or sets times and modes, too. */
  readonly keepsTimes: boolean
  /** `scp -d`: the path must be a directory. */
  readonly mustBeDirectory: boolean
  /** It makes symbolic links of which nobody sees here where they lead: over whatever is there, all that follows goes there. */
  readonly linksAnywhere: boolean
  /** It runs what it finds at its paths, such as hooks: it is judged as a command, too. */
  readonly isCommand: boolean
}

/**
 * The transfer that these words are, understood to the last option; undefined where they are none, or one that is not
 * understood. Only programs at places where systems install them: another of the same name may be anything.
 */
export function transferOf(words: readonly string[]): Transfer | undefined {
  const [program = '', ...rest] = words
  if (!isInstalled(program)) return undefined
  const name = baseName(program)
  if (name === 'git' && /^(?:upload-pack|receive-pack|upload-archive)$/.test(rest[0] ?? ''))
    return git(`git-${rest[0]}`, rest.slice(1))
  switch (name) {
    case 'sftp-server':
    case 'internal-sftp':
      return sftp(words)
    case 'scp':
      return scp(words)
    case 'rsync':
      return rsync(words)
    case 'git-upload-pack':
    case 'git-receive-pack':
    case 'git-upload-archive':
      return git(name, rest)
    default:
      return undefined
  }
}

/**
 * The actions that a program has as a transfer, whether it is understood or not: files pass, even where nobody can say which.
 * Empty for programs that move no files.
 */
export function transferActions(words: readonly Word[]): readonly string[] {
  const [program = '', first] = words
  switch (baseName(program)) {
    case 'sftp-server':
    case 'internal-sftp':
      return fileActions
    case 'scp': {
      const options = words.filter((word) => word === undefined || /^-\w/.test(word)).join('')
      return [...(options.includes('f') ? reading : []), ...(options.includes('t') ? fileWriting : [])]
    }
    case 'rsync':
      if (!words.includes('--server')) return []
      return words.includes('--sender') ? reading : fileWriting
    case 'git-upload-pack':
    case 'git-upload-archive':
      return reading
    case 'git-receive-pack':
      return ['upload']
    case 'git':
      return first === 'receive-pack'
        ? ['upload']
        : /^upload-(?:pack|archive)$/.test(first ?? '')
          ? reading
          : []
    default:
      return []
  }
}

const reading = ['download']
const fileWriting = ['upload', 'make-directory', 'set-attributes', 'link', 'remove']
const fileActions = ['download', 'list', ...fileWriting, 'rename']

/** Found by the search path, or in a directory that belongs to the system. */
function isInstalled(program: string): boolean {
  return /^(?:\/(?:usr\/(?:local\/)?)?(?:s?bin|lib(?:exec)?(?:\/(?:openssh|ssh|misc|git-core))?)\/|\/opt\/homebrew\/(?:bin|libexec)\/)?[^/]+$/.test(
    program,
  )
}

const nothingMore = {
  others: [],
  isRecursive: false,
  keepsTimes: false,
  mustBeDirectory: false,
  linksAnywhere: false,
  isCommand: false,
} as const

/** @see https://man.openbsd.org/sftp-server */
function sftp(words: readonly string[]): Transfer | undefined {
  const { end, isCertain, found } = readOptions(words, 1, { flags: 'eR', values: 'fl' })
  if (!isCertain || end !== words.length || [...found.values()].includes(undefined)) return undefined
  return { protocol: 'sftp', actions: [], paths: [], arguments: [], ...nothingMore }
}

/** What OpenSSH's scp runs at the other end with -O, and older ones always. */
function scp(words: readonly string[]): Transfer | undefined {
  const options = readOptions(words, 1, { flags: 'dfprtv' })
  const paths = words.slice(options.end)
  const takes = options.found.has('t')
  if (!options.isCertain || takes === options.found.has('f')) return undefined
  if (paths.length === 0 || (takes && paths.length > 1)) return undefined
  const isRecursive = options.found.has('r')
  const keepsTimes = options.found.has('p')
  const actions = takes
    ? ['upload', ...(isRecursive ? ['make-directory'] : []), ...(keepsTimes ? ['set-attributes'] : [])]
    : reading
  return complete({
    protocol: takes ? 'scp-sink' : 'scp-source',
    actions,
    arguments: paths,
    others: [],
    isRecursive,
    keepsTimes,
    mustBeDirectory: options.found.has('d'),
    linksAnywhere: false,
    isCommand: false,
  })
}

/** What rsync runs at the other end. @see https://download.samba.org/pub/rsync/rsync.1 */
function rsync(words: readonly string[]): Transfer | undefined {
  const [, server, ...rest] = words
  if (server !== '--server') return undefined
  const sends = rest[0] === '--sender'
  const letters = new Set<string>()
  const long = new Map<string, string>()
  let end = sends ? 1 : 0
  for (; end < rest.length && rest[end] !== '.'; end++) {
    const word = rest[end] ?? ''
    const [, cluster] = shortRsync.exec(word) ?? []
    if (cluster !== undefined) for (const letter of cluster) letters.add(letter)
    else {
      const { found, isCertain } = readOptions([word], 0, rsyncLong)
      const [option] = found
      if (!isCertain || option === undefined || !word.startsWith('--')) return undefined
      const [name, attached] = option
      const value = attached ?? rest[++end]
      if (value === undefined) return undefined
      long.set(name, value)
    }
  }
  const paths = rest.slice(end + 1)
  if (rest[end] !== '.' || paths.length === 0 || (!sends && paths.length > 1)) return undefined
  const others: { path: FilePath; action: 'download' | 'upload' }[] = []
  for (const [names, action] of [
    [['files-from', 'compare-dest', 'copy-dest', 'link-dest'], 'download'],
    [['temp-dir', 'partial-dir', 'backup-dir'], 'upload'],
  ] as const)
    for (const name of names) {
      const value = long.get(name)
      if (value === undefined || value === '' || (name === 'files-from' && value === '-')) continue
      for (const start of sends || name === 'files-from' ? [home] : destinations(paths[0] ?? '')) {
        const path = start && filePath(Buffer.from(value), start)
        if (path === undefined) return undefined
        others.push({ path, action })
      }
    }
  const has = (...names: string[]) => names.some((name) => letters.has(name) || long.has(name))
  const actions = new Set<string>(sends ? reading : ['upload'])
  if (!sends && has('r', 'd', 'R', 'mkpath')) actions.add('make-directory')
  if (!sends && has('l', 'H', 'link-dest')) actions.add('link')
  if (!sends && has('p', 'o', 'g', 't', 'O', 'A', 'X', 'E', 'U', 'N', 'super', 'fake-super'))
    actions.add('set-attributes')
  if (!sends && [...long.keys()].some((name) => /^(?:del|force|backup)/.test(name))) actions.add('remove')
  if (has('remove-source-files')) actions.add('remove')
  return complete({
    protocol: 'rsync',
    actions: [...actions],
    arguments: paths,
    others,
    isRecursive: has('r', 'd'),
    keepsTimes: has('t'),
    mustBeDirectory: false,
    linksAnywhere: !sends && has('l') && !has('safe-links', 'munge-links'),
    isCommand: false,
  })
}

/** Directories that rsync may take for its destination, in which its options' relative paths begin: `x` may be a file, `x/` is none. */
function destinations(path: string): readonly (FilePath | undefined)[] {
  const named = filePath(Buffer.from(path))
  return path.endsWith('/') ? [named] : [named, filePath(Buffer.from(`${path}/..`))]
}

/**
 * Letters in one word, and behind an `e` what the client can do. Not `s`, with which paths and options come by the protocol, nor `K`,
 * with which files go where a link leads that was sent before.
 */
const shortRsync = /^-(?!$)([vqlogDtprRxzuWHAXSIcEOJbykLdmnNUih]*)(?:e\d*\.\d*[A-Za-z]*)?$/

const rsyncLong: OptionSpec = {
  long:
    'delete delete-before delete-during delete-delay delete-after delete-excluded force numeric-ids partial inplace append ' +
    'append-verify size-only existing ignore-existing ignore-errors remove-source-files delay-updates prune-empty-dirs ' +
    'safe-links copy-unsafe-links munge-links no-implied-dirs no-r no-W no-i-r inc-recursive no-inc-recursive from0 fuzzy ' +
    'list-only mkpath super fake-super stats old-compress new-compress open-noatime preallocate msgs2stderr no-msgs2stderr ' +
    'specials no-specials',
  longValues:
    'timeout bwlimit max-size min-size max-delete max-alloc modify-window suffix partial-dir backup-dir temp-dir ' +
    'compare-dest copy-dest link-dest files-from compress-level compress-choice checksum-choice checksum-seed ' +
    'skip-compress block-size usermap groupmap chown iconv debug info stderr log-format out-format',
}

/**
 * Of the three only git-upload-pack is made for repositories that somebody else wrote: git-receive-pack runs their hooks, and
 * git-upload-archive the programs of their configuration.
 * @see https://git-scm.com/docs/git-upload-pack#_security
 */
function git(name: string, words: readonly string[]): Transfer | undefined {
  const [path] = words
  if (path === undefined || words.length > 1 || path.startsWith('-') || path === '') return undefined
  // git takes a ~ for the home by itself, quoted or not.
  const known = wordPath(path)
  if (known === undefined) return undefined
  return {
    protocol: 'git',
    actions: name === 'git-receive-pack' ? ['upload'] : reading,
    paths: [known],
    arguments: [path],
    ...nothingMore,
    isRecursive: true,
    isCommand: name !== 'git-upload-pack',
  }
}

function complete(transfer: Omit<Transfer, 'paths'>): Transfer | undefined {
  const paths: FilePath[] = []
  for (const word of transfer.arguments) {
    const path = filePath(Buffer.from(word))
    if (path === undefined) return undefined
    paths.push(path)
  }
  return { ...transfer, paths }
}

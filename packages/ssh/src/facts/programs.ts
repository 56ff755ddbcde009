import { readOptions, type Options, type OptionSpec } from './options.ts'
import type { Word } from './script.ts'

/** What a program runs besides itself, as far as its arguments tell. */
export interface Inside {
  /** Arguments that are its own: up to this index. */
  readonly own: number
  /** Commands that it runs, by their words. */
  readonly commands?: readonly (readonly Word[])[]
  /** Texts that it gives to a shell; undefined where one is computed. */
  readonly scripts?: readonly Word[]
  /** It runs what its arguments do not show, or it is not known what. */
  readonly isDynamic?: boolean
  /** Accounts that it changes to. */
  readonly users?: readonly Word[]
  /** Variables that it sets. */
  readonly variables?: readonly string[]
  /** Relative paths after it are of another directory. */
  readonly movesAbout?: boolean
}

/** @param words the program's name and its arguments */
export function insideOf(words: readonly Word[]): Inside {
  const [program] = words
  if (program === undefined) return { own: words.length, isDynamic: true }
  const name = baseName(program)
  const reader = readers.get(name) ?? readers.get(name.replace(/[\d.]+$/, ''))
  return reader?.(words) ?? { own: words.length }
}

/** Name of a program without its directory. */
export function baseName(program: string): string {
  return program.slice(program.lastIndexOf('/') + 1)
}

type Reader = (words: readonly Word[]) => Inside

const readers = new Map<string, Reader>()

function define(names: string, reader: Reader): void {
  for (const name of names.split(' ')) readers.set(name, reader)
}

/** What follows its options, and so many words more, is a command. */
interface Wrapper extends OptionSpec {
  /** Words before the command. */
  readonly operands?: number
  /** `NAME=value` may come before the command. */
  readonly assigns?: boolean
  /** Where there is no command: a shell, or nothing. */
  readonly alone?: 'shell'
  readonly movesAbout?: boolean
  more?(options: Options, words: readonly Word[]): Partial<Inside>
}

function wrapper(names: string, spec: Wrapper): void {
  define(names, (words) => {
    const options = readOptions(words, 1, spec)
    let at = options.end + (spec.operands ?? 0)
    let isCertain = options.isCertain && words.slice(options.end, at).every((word) => word !== undefined)
    const variables: string[] = []
    if (spec.assigns === true)
      for (; at < words.length; at++) {
        const [, variable] = /^([^=]+)=/.exec(words[at] ?? '') ?? []
        if (variable === undefined) break
        variables.push(variable)
      }
    // A computed word may be none, or the command.
    for (; at < words.length && words[at] === undefined; at++) isCertain = false
    const hasCommand = at < words.length
    const more = spec.more?.(options, words)
    return {
      own: Math.min(at, words.length),
      commands: hasCommand ? [words.slice(at)] : [],
      variables,
      movesAbout: spec.movesAbout ?? false,
      ...more,
      isDynamic: !isCertain || (!hasCommand && spec.alone === 'shell') || more?.isDynamic === true,
    }
  })
}

wrapper('env', {
  flags: 'i0v',
  values: 'uCS',
  long: 'ignore-environment null debug list-signal-handling block-signal default-signal ignore-signal',
  longValues: 'unset chdir split-string',
  assigns: true,
  more: ({ found }) => ({
    isDynamic: found.has('S') || found.has('split-string'),
    movesAbout: found.has('C') || found.has('chdir'),
  }),
})
wrapper('sudo', {
  flags: 'ABbEeHiKklNnPSsVv',
  values: 'CcDgpRrTtUu',
  long:
    'askpass bell background preserve-env edit set-home login remove-timestamp reset-timestamp list no-update ' +
    'non-interactive preserve-groups stdin shell version validate',
  longValues: 'close-from chdir group host prompt chroot role command-timeout type other-user user',
  assigns: true,
  more: ({ found, end }, words) => {
    const asks = ['i', 'login', 's', 'shell'].some((name) => found.has(name))
    const edits = found.has('e') || found.has('edit')
    const answers = ['l', 'list', 'V', 'version', 'v', 'validate', 'K', 'k'].some((name) => found.has(name))
    return {
      users: answers
        ? []
        : [found.get('u') ?? found.get('user') ?? (isGiven(found, 'u', 'user') ? undefined : 'root')],
      isDynamic: edits || (asks && end >= words.length),
      movesAbout: ['i', 'login', 'D', 'chdir', 'R', 'chroot'].some((name) => found.has(name)),
      ...(edits ? { own: words.length, commands: [] } : {}),
    }
  },
})
wrapper('doas', {
  flags: 'Lns',
  values: 'aCu',
  alone: 'shell',
  more: ({ found }) => ({ users: [isGiven(found, 'u') ? found.get('u') : 'root'] }),
})
wrapper('nice', { values: 'n', longValues: 'adjustment', numeric: true })
wrapper('nohup', {})
wrapper('setsid', { flags: 'cfw', long: 'ctty fork wait' })
wrapper('stdbuf', { values: 'ioe', longValues: 'input output error' })
wrapper('timeout', {
  flags: 'fpv',
  values: 'ks',
  long: 'foreground preserve-status verbose',
  longValues: 'kill-after signal',
  operands: 1,
})
wrapper('time', {
  flags: 'apqvV',
  values: 'fo',
  long: 'append portability verbose quiet version help',
  longValues: 'format output',
})
wrapper('ionice', { flags: 't', values: 'cnpPu', long: 'ignore', longValues: 'class classdata pid pgid uid' })
wrapper('chrt', {
  flags: 'abdfimoprRv',
  values: 'TPD',
  long: 'all-tasks batch deadline fifo idle max other pid rr reset-on-fork verbose',
  operands: 1,
})
wrapper('taskset', { flags: 'acp', long: 'all-tasks cpu-list pid', operands: 1 })
wrapper('chroot', {
  long: 'skip-chdir',
  longValues: 'userspec groups',
  operands: 1,
  alone: 'shell',
  movesAbout: true,
})
wrapper('busybox toybox', {})
wrapper('builtin', {})
wrapper('command', {
  flags: 'pvV',
  more: ({ found }, words) => (found.has('v') || found.has('V') ? { own: words.length, commands: [] } : {}),
})
wrapper('exec', { flags: 'cl', values: 'a' })
wrapper('noglob nocorrect', {})
wrapper('xargs gxargs', {
  flags: '0oprtx',
  values: 'adEILnPs',
  attached: 'eil',
  long: 'null eof exit interactive no-run-if-empty open-tty replace show-limits verbose max-lines',
  longValues: 'arg-file delimiter max-args max-chars max-procs process-slot-var',
  more: (options, words) => {
    const inner = words.slice(options.end)
    // Input comes behind, or in the place of {}: as options, too.
    const replaced = options.found.get('I') ?? (options.found.has('i') ? '{}' : '')
    const known = inner.map((word) =>
      word !== undefined && replaced !== '' && word.includes(replaced) ? undefined : word,
    )
    return { own: options.end, commands: inner.length === 0 ? [['echo']] : [[...known, undefined]] }
  },
})
wrapper('flock', {
  flags: 'eFnosux',
  values: 'Ew',
  long: 'exclusive no-fork nonblock close shared unlock verbose',
  longValues: 'conflict-exit-code timeout wait',
  operands: 1,
  more: ({ end }, words) => {
    const option = words[end + 1]
    return option === '-c' || option === '--command'
      ? { own: words.length, commands: [], scripts: [words[end + 2]] }
      : {}
  },
})
wrapper('watch', {
  flags: 'bcCdegprtwx',
  values: 'nq',
  long: 'beep color no-color differences errexit chgexit precise no-rerun no-title no-wrap exec',
  longValues: 'interval equexit',
  more: ({ found, end }, words) =>
    found.has('x') || found.has('exec')
      ? {}
      : { own: end, commands: [], scripts: [joined(words.slice(end))] },
})

define('ssh', (words) => {
  const spec = { flags: '46AaCfGgKkMNnqsTtVvXxYy', values: 'BbcDEeFIiJLlmOopQRSWw' }
  let options = readOptions(words, 1, spec)
  const { end } = options
  // OpenSSH takes options behind the host, too.
  const rest = readOptions(words, end + 1, spec)
  options = {
    ...options,
    found: new Map([...options.found, ...rest.found]),
    isCertain: options.isCertain && rest.isCertain,
  }
  const command = words.slice(rest.end)
  const { found } = options
  const runsNothing = ['N', 'V', 'Q', 'O', 'G', 'W'].some((name) => found.has(name))
  return {
    own: rest.end,
    scripts: command.length === 0 ? [] : [joined(command)],
    // A configuration file and -o may name programs; a log-in shell takes what comes.
    isDynamic:
      !options.isCertain ||
      words[end] === undefined ||
      found.has('o') ||
      found.has('F') ||
      found.has('s') ||
      (command.length === 0 && !runsNothing),
    movesAbout: true,
  }
})

define('su runuser', (words) => {
  const options = readOptions(words, 1, {
    flags: 'flmpP',
    values: 'cgGsuwT',
    long: 'fast login preserve-environment pty',
    longValues: 'command session-command group supp-group shell user whitelist-environment',
  })
  const { found } = options
  const login = words[options.end] === '-' ? 1 : 0
  const at = options.end + login
  if (isGiven(found, 'u', 'user'))
    return {
      own: at,
      commands: [words.slice(at)],
      users: [found.get('u') ?? found.get('user')],
      isDynamic: !options.isCertain || at >= words.length,
    }
  const rest = words.slice(at + 1)
  const code = ['c', 'command', 'session-command'].find((name) => found.has(name))
  // `su bob -c 'id'`: options behind the account, and what is left is for its shell.
  const isBehind = code === undefined && rest[0] === '-c' && rest.length === 2
  return {
    own: words.length,
    users: [at < words.length ? words[at] : 'root'],
    scripts: isBehind ? [rest[1]] : code === undefined ? [] : [found.get(code)],
    isDynamic:
      !options.isCertain ||
      (!isBehind && (code === undefined || rest.length > 0)) ||
      isGiven(found, 's', 'shell'),
    movesAbout: true,
  }
})

define('find gfind', (words) => {
  const commands: Word[][] = []
  let isDynamic = words.includes(undefined)
  for (let at = 1; at < words.length; at++) {
    if (!/^-(?:exec|execdir|ok|okdir)$/.test(words[at] ?? '')) continue
    let end = at + 1
    while (end < words.length && words[end] !== ';' && !(words[end] === '+' && words[end - 1] === '{}')) end++
    if (end === words.length) isDynamic = true
    commands.push(words.slice(at + 1, end).map((word) => (word?.includes('{}') === true ? undefined : word)))
    at = end
  }
  return { own: words.length, commands, isDynamic }
})

// Shells. What other shells than these make of a text, only they know.
for (const [names, isOther] of [
  ['sh bash dash ash rbash hush', false],
  ['zsh ksh ksh93 mksh lksh pdksh rksh rzsh yash fish csh tcsh rc elvish nu xonsh pwsh', true],
] as const)
  define(names, (words) => {
    let isCode = false
    let takesInput = false
    let isCertain = true
    let at = 1
    for (; at < words.length; at++) {
      const word = words[at]
      if (word === undefined) isCertain = false
      else if (word === '--' || word === '-') {
        at++
        break
      } else if (/^--(?:norc|noprofile|posix|login|restricted|noediting)$/.test(word)) continue
      else if (word.startsWith('--')) isCertain = false
      else if (/^[-+]/.test(word)) {
        for (const letter of word.slice(1)) {
          if (letter === 'c') isCode = true
          else if (letter === 's') takesInput = true
          else if (letter === 'o' || letter === 'O') at++
          else if (!'abefhiklmnprtuvxBCEHPTD'.includes(letter)) isCertain = false
        }
      } else break
    }
    const own = Math.min(at, words.length)
    const first = words[at]
    const isBare = at >= words.length
    if (isCode)
      return {
        own,
        scripts: isBare ? [] : [first],
        isDynamic: !isCertain || isBare || isOther,
      }
    // An open file is no file of its own: what comes in is the text.
    const runsFile = !takesInput && first !== undefined && !/^\/(?:dev|proc)\//.test(first)
    return {
      own,
      // A file is run as a program would be.
      commands: runsFile ? [words.slice(at)] : [],
      isDynamic: !isCertain || !runsFile || isOther,
    }
  })

define('eval', (words) => ({ own: 1, scripts: [joined(words.slice(words[1] === '--' ? 2 : 1))] }))
define('trap', (words) => {
  const [, first, second] = words
  if (words.length < 3 || first === '-' || /^-[lp]/.test(first ?? '')) return { own: words.length }
  return { own: words.length, scripts: [first === '--' ? second : first] }
})
define('. source', (words) => ({ own: words.length, commands: [words.slice(1)], isDynamic: true }))
define('cd pushd popd', (words) => ({ own: words.length, movesAbout: true }))
define('mapfile readarray', (words) => ({
  own: words.length,
  isDynamic: words.some((word) => word === undefined || word.startsWith('-C')),
}))
define('hash', (words) => ({
  own: words.length,
  isDynamic: words.some((word) => word?.startsWith('-p') !== false),
}))

// Programs whose language is their argument or their input.
define(
  'python pypy perl ruby node nodejs deno bun php lua luajit tclsh wish expect osascript Rscript guile julia groovy',
  (words) => {
    const [, first] = words
    if (words.length === 2 && /^(?:-V|--version|-v)$/.test(first ?? '')) return { own: 2 }
    if (first !== undefined && !first.startsWith('-')) return { own: 1, commands: [words.slice(1)] }
    return { own: words.length, isDynamic: true }
  },
)
define('sed gsed', (words) => ({
  own: words.length,
  isDynamic: !words
    .slice(1)
    .every(
      (word, index, all) => word !== undefined && (isHarmlessSed(word) || isFileOfSed(word, index, all)),
    ),
}))
define(
  'alias enable bind complete compgen shopt setopt emulate autoload zmodload sched abbr repeat foreach coproc function ' +
    'awk gawk mawk nawk gdb lldb sqlite psql mysql mariadb mongosh redis-cli sqlplus ' +
    'make gmake ninja parallel at batch crontab vi vim nvim view vimdiff ex ed emacs nano pico less more most man info ' +
    'screen tmux byobu script nsenter unshare setpriv systemd-run systemd-nspawn machinectl strace ltrace valgrind perf ' +
    'lxc lxc-attach start-stop-daemon pkexec firejail proot fakeroot fakechroot torify proxychains rlwrap unbuffer ' +
    'socat nc ncat netcat telnet ftp sftp npm npx pnpm yarn pip gem cargo go mvn gradle ansible ansible-playbook ' +
    'ld.so tic zip run-parts logrotate debugfs cpulimit capsh setarch linux32 linux64 entr hg svn rpm dpkg',
  (words) => ({ own: words.length, isDynamic: true }),
)
define('docker podman nerdctl crictl kubectl oc', (words) => ({
  own: words.length,
  isDynamic: !/^(?:ps|images|logs|inspect|info|version|stats|get|describe|events|port)$/.test(words[1] ?? ''),
}))

for (const [names, words] of [
  ['apt apt-get yum dnf', 'list show search policy info'],
  ['git', 'status log show diff branch tag rev-parse describe ls-files blame remote'],
] as const)
  define(names, ([, first, ...rest]) => ({
    own: rest.length + 2,
    isDynamic: first === undefined || !words.split(' ').includes(first) || rest.includes(undefined),
  }))
for (const [names, runs] of [
  ['tar gtar bsdtar', /^(?:--?(?:ch|to-|use|info|new|rsh)|-?\w*[FI])/],
  ['rsync', /^(?:--(?:rs|da|con)|-\w*e)/],
  ['scp', /^-\w*[oSDF]/],
] as const)
  define(names, (words) => ({
    own: words.length,
    isDynamic: words.slice(1).some((word) => word === undefined || runs.test(word)),
  }))

/** The words as a program joins them to give them to a shell. */
function joined(words: readonly Word[]): Word {
  return words.some((word) => word === undefined) ? undefined : words.join(' ')
}

function isGiven(found: ReadonlyMap<string, Word>, ...names: string[]): boolean {
  return names.some((name) => found.has(name))
}

/** A script that only prints, deletes or replaces: sed can run programs and write files, too. */
function isHarmlessSed(word: string): boolean {
  return /^(?:-[nErsuz]+|(?:\d+|\$)?(?:,(?:\d+|\$))?[pdq=]|s([/|,:#])(?:(?!\1)[^\\\n])*\1(?:(?!\1)[^\\\n])*\1[gpI0-9]*)$/.test(
    word,
  )
}

/** A file's name: not an option, and behind the script. */
function isFileOfSed(word: string, index: number, all: readonly Word[]): boolean {
  return (
    !word.startsWith('-') &&
    all.slice(0, index).some((before) => before !== undefined && !before.startsWith('-'))
  )
}

import { factLimits } from './limits.ts'

/**
 * Reads a command that means the same to every log-in shell (sh, bash, dash, BusyBox, ksh, zsh, csh, fish): one program and
 * words that stand for themselves. What any of them would expand, split, join or take for a word of its language is not
 * literal. Deliberately small: all that is not listed here is refused.
 *
 * - Words are parted by spaces and tabs. There is no newline.
 * - Unquoted: ASCII letters, digits and `_ . / : @ % + , = -`, but no `=` or `%` at the start (zsh's `=cmd`, jobs).
 * - A backslash, outside of quotes, before a space or one of the marks that all shells escape so.
 * - Single and double quotes around printable characters other than `\` (fish, csh), `!` (csh expands it in both), the quote
 *   itself and, in double quotes, `$` and `` ` ``. Characters beyond ASCII only in quotes, and only visible ones.
 * - The first word names a program, not a word of any shell's language.
 *
 * @returns the words, or undefined where the command is anything else
 */
export function literalWords(text: string): readonly [string, ...string[]] | undefined {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++
    if (at === text.length) break
    if (text[at] === '=' || text[at] === '%') return undefined
    let word = ''
    do {
      piece.lastIndex = at
      const found = piece.exec(text)
      if (found === null) return undefined
      const [all, plain, escaped, single, double] = found
      word += plain ?? escaped ?? single ?? double ?? ''
      at += all.length
    } while (at < text.length && text[at] !== ' ' && text[at] !== '\t')
    words.push(word)
    if (words.length > factLimits.words) return undefined
  }
  const [program, ...rest] = words
  if (program === undefined || !canBeProgram(program)) return undefined
  if (evaluating.has(program) && rest.some((word) => /[$`[\]]/.test(word))) return undefined
  return [program, ...rest]
}

/** The words as one line that {@link literalWords} and every shell read back as these words, where there is such a line. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ')
}

/** Visible, and the same in all shells' quotes. */
const visible = String.raw`[\p{L}\p{M}\p{N}\p{P}\p{S} ]`
const piece = new RegExp(
  [
    String.raw`([A-Za-z0-9_./:@%+,=-]+)`,
    String.raw`\\([ $*?~#(){}[\]<>&|;"'\\${'`'}])`,
    String.raw`'((?:(?!['\\!])${visible})*)'`,
    String.raw`"((?:(?!["\\!$${'`'}])${visible})*)"`,
  ].join('|'),
  'uy',
)

function quoted(word: string): string {
  if (/^[A-Za-z0-9_./:@+,-][A-Za-z0-9_./:@%+,=-]*$/.test(word)) return word
  return word
    .split(/(['\\])/)
    .map((part) => inNoQuotes.get(part) ?? `'${part}'`)
    .join('')
    .replace(/^$/, "''")
}

/** What single quotes cannot hold in every shell. */
const inNoQuotes: ReadonlyMap<string, string> = new Map([
  ['', ''],
  ["'", `"'"`],
  ['\\', '\\\\'],
])

function canBeProgram(word: string): boolean {
  return /^[\p{L}\p{N}_./][^=]*$/u.test(word) && !shellWords.has(word)
}

/**
 * Words that some shell keeps for itself, quoted or not, and commands that run or change what the shell does next. The same
 * command means another thing to each of them.
 */
const shellWords = new Set(
  (
    'if then else elif fi for foreach while until do done case esac in select function time coproc repeat ' +
    'end endif endsw endwhile switch breaksw default begin and or not nocorrect noglob ' +
    '. source eval exec command builtin alias unalias abbr set unset setenv unsetenv export readonly declare typeset local ' +
    'integer float trap shopt setopt unsetopt emulate enable disable hash rehash unhash autoload zmodload bind bindkey ' +
    'complete compdef compgen compctl fc history onintr goto break continue return exit logout login newgrp nice sched ' +
    'functions nameref compound redirect r stop suspend log argparse breakpoint commandline enum hup'
  ).split(' '),
)

/** Builtins of some shells that take a word for an expression, in which `a[$(id)]` runs a program. */
const evaluating = new Set(
  'test [ read printf print let wait kill getopts mapfile readarray ulimit umask shift cd pushd popd string math limit'.split(
    ' ',
  ),
)

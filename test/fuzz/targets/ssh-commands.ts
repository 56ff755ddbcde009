import { factsOfCommand, transferOfCommand } from '../../../packages/ssh/src/facts/command.ts'
import { commandLine, literalWords } from '../../../packages/ssh/src/facts/literal.ts'
import { shownCommand } from '../../../packages/ssh/src/facts/shown.ts'
import { commandText } from '../../../packages/ssh/src/testing/command-texts.ts'
import { shellTraps } from '../../../packages/ssh/src/testing/shell-traps.ts'
import { contradiction, Shells } from '../../../packages/ssh/src/testing/shells.ts'
import { facts as factSpecs } from '../../../packages/ssh/src/vocabulary.ts'
import { mutate } from '../mutate.ts'
import { once, type Random } from '../random.ts'
import { Broken, must, type Subject, type Target } from '../target.ts'

/** An input: a command as a client sends it. With servers, real shells run those that were invented. */
export const target: Target = {
  name: 'ssh-commands',
  promise:
    'any command has facts; a simple one reads back as its words; no shell runs another program than those named, where all are known',
  unit: 'commands',
  units: { long: 200_000, short: 1_500 },
  guide: /packages\/ssh\/src\/facts\//,
  maxBytes: 8 * 1024,
  slowMs: 500,
  open: ({ servers }) => Promise.resolve(new Commands(servers ? new Shells() : undefined)),
}

class Commands implements Subject {
  readonly seeds = [...awkward, ...shellTraps].map((text) => Buffer.from(text))
  readonly words = tokens.map((token) => Buffer.from(token))
  readonly #shells: Shells | undefined
  /** Inputs that shells may run: made from words of no harm alone. */
  readonly #invented = new Set<string>()

  constructor(shells: Shells | undefined) {
    this.#shells = shells
  }

  readonly invent = (random: Random): Buffer => {
    if (once(random, 200)) return Buffer.from(deep(random))
    const text = commandText((limit) => random.below(limit))
    if (this.#shells !== undefined) this.#invented.add(text)
    return Buffer.from(text)
  }

  readonly change = (input: Buffer, other: Buffer, random: Random): Buffer =>
    mutate(input, other, this.words, random)

  run(input: Buffer): number {
    const facts = factsOfCommand({ bytes: input, hasTerminal: false, environment: [] })
    const { simple, command, argv, text } = facts.context
    must(Object.keys(facts.context).length === factSpecs.length, () => 'facts are missing')
    must(simple === true || command === '', () => 'more than one command has a command line')
    if (simple === true) {
      must(typeof text === 'string' && Array.isArray(argv), () => 'a simple command has no words')
      const words = literalWords(text)
      must(words?.join('\0') === argv.join('\0'), () => 'a simple command has other words')
      const again = literalWords(commandLine(argv))
      must(
        again?.join('\0') === argv.join('\0'),
        () => `a command line does not read back: ${commandLine(argv)}`,
      )
    }
    if (!facts.actions.includes('exec'))
      must(transferOfCommand(input) !== undefined, () => 'what is neither command nor transfer')
    must(!/[^\P{C}\n]/u.test(shownCommand(input)), () => 'a control character is shown')
    const shown = input.toString('utf8')
    if (this.#invented.delete(shown) && !shown.includes('\0'))
      for (const shell of simple === true ? (this.#shells?.names ?? []) : ['dash', 'bash']) {
        const complaint = contradiction(facts, this.#shells?.run(shell, shown) ?? [])
        if (complaint !== undefined) throw new Broken(`${shell}: ${complaint}`)
      }
    return 1
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#shells?.[Symbol.dispose]()
    return Promise.resolve()
  }
}

const awkward = [
  '',
  'uptime',
  "sudo -u bob rm -rf '/srv/a b'",
  'scp -r -p -d -t -- /srv/a',
  'rsync --server --sender -vlogDtpre.iLsfxCIvu --partial-dir .p . /srv',
  "git-upload-pack '/srv/r.git'",
  'a | b && c || d; e & (f) { g; }',
  'cat <<E | sh\n$(a `b "$(c)"`)\nE\n',
  'find . -exec sh -c \'a "$1"\' x {} + -o -delete',
  'xargs -I{} env -i A=1 nice -n 5 {} <x',
  'ssh -p 22 a@b \'sudo sh -c "c; d"\'',
  'case $x in a) b;; (c|d) e;& *) f; esac',
  'echo $((1+$(a))) ${b:-$(c)} $[d] $((e); (f))',
  "echo $'\\'; a; '",
  '! a; time b; coproc c; [[ d && e ]]; ((f))',
]

const tokens = [
  'sudo ',
  'env ',
  'sh -c ',
  "'",
  '"',
  '`',
  '$(',
  ')',
  '${',
  '}',
  '$((',
  '))',
  '\\',
  '\n',
  ';',
  '|',
  '&',
  '<<E\n',
  'E\n',
  '\0',
  '\r',
  '~',
  '*',
  '{a,b}',
  '!',
  '#',
  '=',
  '%',
  "$'",
  '<(',
  '>',
  '<',
  ' if ',
  ' then ',
  ' fi ',
  ' do ',
  ' done ',
  ' case ',
  ' in ',
  ' esac ',
  '/',
  '..',
  '/etc/shadow',
  '--',
  '-x',
  ' -c ',
  'xargs ',
  'find ',
  '-exec ',
  ' {} ',
  ' + ',
  'rsync --server ',
  'scp -t ',
  '\u00a0',
  '\ufeff',
]

/** Deeper and longer than any reader stands that recurses. */
function deep(random: Random): string {
  const forms = [
    ['$(', 'a', ')'],
    ['`', 'a', '`'],
    ['(', 'a', ')'],
    ['{ ', 'a', '; }'],
    ['if ', 'a', '; then b; fi'],
    ['"$(', 'a', ')"'],
    ['${a:-', 'b', '}'],
    ['$((', '1', '))'],
    ['a | ', 'b', ''],
    ['a && ', 'b', ''],
    ['sudo ', 'a', ''],
    ['! ', 'a', ''],
    ['a <<E\n', '', '\nE\n'],
    ['{a,', 'b', '}'],
    ['@(', 'b', ')'],
    ['', 'a', '[0'],
    ['', 'a', ' =:@,'],
    ['/', 'a', '/..'],
  ] as const
  const [open, middle, close] = forms[random.below(forms.length)] ?? forms[0]
  const times = 1 + random.below(2_000)
  return `${open.repeat(times)}${middle}${close.repeat(times)}`
}

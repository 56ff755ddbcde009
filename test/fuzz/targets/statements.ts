import * as corpus from '../../wire/statements.ts'
import { mutate } from '../mutate.ts'
import { once, pick, type Random } from '../random.ts'
import { Broken, must, type Subject, type Target } from '../target.ts'
import { checkAnalysis } from './postgres/classified.ts'
import { Classifier } from './postgres/classifier.ts'
import { Grammar } from './postgres/grammar.ts'
import { Witness } from './postgres/witness.ts'

/** An input: a text as a client sends it. */
export const target: Target = {
  name: 'statements',
  promise:
    'any text is classified or refused, never empty where it is not; what is called a mere reading changes nothing on a real server',
  unit: 'statements',
  units: { long: 1_000_000, short: 1_500 },
  guide: /packages\/postgres\/src\/facts\//,
  maxBytes: 24 * 1024,
  slowMs: 1_500,
  open: async ({ servers }) =>
    new Statements(await Classifier.create(), servers ? await Witness.start() : undefined),
}

const sentences = Object.values(corpus)
  .flat()
  .filter((it) => typeof it === 'string')

class Statements implements Subject {
  readonly seeds = [...sentences, ...awkward].map((text) => Buffer.from(text))
  readonly words = tokens.map((token) => Buffer.from(token))
  readonly #classifier: Classifier
  readonly #witness: Witness | undefined

  constructor(classifier: Classifier, witness: Witness | undefined) {
    this.#classifier = classifier
    this.#witness = witness
  }

  readonly invent = (random: Random): Buffer => {
    if (once(random, 1_000)) return Buffer.from(deep(random))
    return Buffer.from(new Grammar(random).text())
  }

  /** By words as often as by bytes. */
  readonly change = (input: Buffer, other: Buffer, random: Random): Buffer => {
    if (once(random, 3)) return mutate(input, other, this.words, random)
    const words = input.toString('utf8').split(/(\s+|(?<=[(),;])|(?=[(),;]))/)
    const others = other.toString('utf8').split(/(\s+|(?<=[(),;])|(?=[(),;]))/)
    for (let left = 1 + random.below(3); left > 0; left--) {
      const at = random.below(words.length)
      const from = random.below(others.length)
      const part = once(random, 2)
        ? [` ${pick(random, tokens)} `]
        : others.slice(from, from + 1 + random.below(12))
      words.splice(at, random.below(4), ...part)
    }
    return Buffer.from(words.join(''))
  }

  readonly run = async (input: Buffer): Promise<number> => {
    const text = input.toString('utf8')
    const analysis = this.#classifier.analyse(text)
    const known = analysis instanceof Promise ? await analysis : analysis
    checkAnalysis(text, known)
    if (known.refusal?.code === 'too-complex') {
      const { facts } = await this.#classifier.analyse('select 1')
      must(facts[0]?.actions.join() === 'read', () => 'the parser did not survive')
    }
    const complaint = await this.#witness?.contradicts(text, known)
    if (complaint !== undefined) throw new Broken(complaint)
    return Math.max(1, known.statements.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#witness?.[Symbol.asyncDispose]()
    await this.#classifier[Symbol.asyncDispose]()
  }
}

/** Texts on the edge of what a lexer or a parser stands. */
const awkward = [
  '',
  ';;;',
  '/* /* */',
  '/**/--\n',
  "select 'a\\' , delete from t --'",
  "select e'\\",
  'select $a$ $b$ $a$',
  'select $$',
  'select "a""b", U&"d\\0061t"',
  "select U&'\\D83D' uescape '!'",
  'select 1\u00a0',
  '\ufeffselect 1',
  'select\u2028 1',
  'select 1 \0; drop table x',
  'ſelect 1',
  'SELECT 1 FROM t WHERE a = $1 -- \r delete from t',
  "select '\ud800'",
  'select 1;\u0000',
]

/** Deeper than any stack. */
function deep(random: Random): string {
  const times = 10 ** (2 + random.below(3)) + random.below(5_000)
  const [open, middle, close] = pick(random, [
    ['(', '1', ')'],
    ['[', '1', ']'],
    ['select (', '1', ')'],
    ['not ', 'true', ''],
    ['- ', '1', ''],
    ['', '1', '::int'],
    ['', '1', ' + 1'],
    ['', 'a', '[1]'],
    ['', 'a', '.b'],
    ['case when ', 'true', ' then 1 end'],
    ['', 'select 1', ' union select 1'],
    ['with a as (', 'select 1', ') select 1'],
    ['', 'select 1 from a', ' cross join b'],
    ['/*', '', '*/'],
    ['array[', '1', ']'],
    ['row(', '1', ')'],
    ['explain ', 'select 1', ''],
    ['', 'select 1', ';select 1'],
    ['exists (select ', '1', ')'],
    ['create schema a ', '', ''],
  ] as const)
  const body = `${open.repeat(times)}${middle}${close.repeat(times)}`
  return once(random, 2) || body.startsWith('select') ? body : `select ${body}`
}

const tokens = [
  'select', 'insert into', 'update', 'delete from', 'merge into', 'truncate', 'copy', 'from', 'where', 'set', 'returning', 'with', 'recursive',
  'as', 'union all', 'values', 'explain', 'analyze', 'prepare p as', 'execute p', 'declare c cursor for', 'create table', 'drop', 'alter table',
  'grant', 'do', 'call', 'begin', 'commit', 'into', 'lateral', 'only', 'for update', 'on conflict do update set', 'using', 'when matched then',
  'app.customers', 'app.other', 'public.orders', 'ssn', 'id', '*', '(', ')', ';', ',', "'", '"', '$$', '$1', '--', '/*', '*/', '::text', '||',
  'E\'\\\'', 'U&"\\0061"', "U&'\\0061'", '\u00a0', '\n', '\r', 'nextval(\'public.seq\')', 'pg_read_file(\'x\')', 'set_config(\'a.b\', \'c\', true)', 'operator(app.+)',
] as const // prettier-ignore

import * as say from '../../world/raw-messages.ts'
import type { RawFrame } from '../../world/raw-postgres.ts'
import type { Random } from '../random.ts'
import { commandsOf, copiedOf, errorsOf, rowsOf } from './answers.ts'
import { nextOp, type Ledger } from './ledger.ts'
import type { Talk } from './talk.ts'

/** One thing that a client does. It knows the answer beforehand, and notes in the ledger what must come of it. */
export type Operate = (talk: Talk, ledger: Ledger, random: Random) => Promise<void>

/** The table that every write goes to: which operation wrote the row. */
export const ledgerTable = 'create table ledger (op text not null, n int not null)'

/** How often a client does what. */
export const operations: readonly (readonly [weight: number, operate: Operate])[] = [
  [4, sum],
  [2, series],
  [6, preparedSum],
  [6, insert],
  [6, preparedInsert],
  [4, transaction],
  [2, pipeline],
  [2, copyIn],
  [2, copyOut],
  [2, forbidden],
]

/** A simple query that nobody asked before. */
async function sum(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const [op, a, b] = [nextOp(), random.between(0, 1e6), random.between(0, 1e6)]
  const frames = await talk.ask([say.query(`select ${a} + ${b}, '${op}'`)])
  check(ledger, op, frames, { rows: [[String(a + b), op]], commands: ['SELECT 1'] })
}

/** A result of many rows: cut short, it must not look whole. */
async function series(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const [op, rows, by] = [nextOp(), random.between(1, 5000), random.between(1, 99)]
  const frames = await talk.ask([
    say.query(`select i * ${by} from generate_series(1, ${rows}) i where '${op}' <> ''`),
  ])
  const wanted = Array.from({ length: rows }, (_, i) => [String((i + 1) * by)])
  check(ledger, op, frames, { rows: wanted, commands: [`SELECT ${rows}`] })
}

/** A prepared statement, which the session parses once. */
async function preparedSum(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const [op, a, b] = [nextOp(), random.between(0, 1e6), random.between(0, 1e6)]
  const frames = await talk.ask([
    ...prepared(talk, 'sum', 'select $1::int + $2::int, $3::text'),
    say.bind([String(a), String(b), op], { statement: 'sum' }),
    say.execute(),
    say.sync(),
  ])
  check(ledger, op, frames, { rows: [[String(a + b), op]], commands: ['SELECT 1'] })
}

async function insert(talk: Talk, ledger: Ledger): Promise<void> {
  const op = nextOp()
  ledger.write(op, 1, 'possible')
  const frames = await talk.ask([say.query(insertText(op))])
  check(ledger, op, frames, { commands: ['INSERT 0 1'] })
  ledger.settle('certain', op)
}

async function preparedInsert(talk: Talk, ledger: Ledger): Promise<void> {
  const op = nextOp()
  ledger.write(op, 1, 'possible')
  const frames = await talk.ask([...insertPrepared(talk, op), say.sync()])
  check(ledger, op, frames, { commands: ['INSERT 0 1'] })
  ledger.settle('certain', op)
}

/** Several writes, in both protocols, that all happen or none. */
async function transaction(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const ops = Array.from({ length: random.between(1, 4) }, nextOp)
  check(ledger, undefined, await talk.ask([say.query('begin')]), { commands: ['BEGIN'] })
  for (const op of ops) {
    ledger.write(op, 1, 'impossible')
    const asks = random.next() < 0.5 ? [say.query(insertText(op))] : [...insertPrepared(talk, op), say.sync()]
    check(ledger, op, await talk.ask(asks), { commands: ['INSERT 0 1'] })
  }
  if (random.next() < 0.3) {
    check(ledger, undefined, await talk.ask([say.query('rollback')]), { commands: ['ROLLBACK'] })
    return
  }
  ledger.settle('possible', ...ops)
  check(ledger, undefined, await talk.ask([say.query('commit')]), { commands: ['COMMIT'] })
  ledger.settle('certain', ...ops)
}

/** Several writes before one Sync: one transaction by the protocol's own rule. */
async function pipeline(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const ops = Array.from({ length: random.between(2, 6) }, nextOp)
  for (const op of ops) ledger.write(op, 1, 'possible')
  const frames = await talk.ask([...ops.flatMap((op) => insertPrepared(talk, op)), say.sync()])
  check(ledger, ops[0], frames, { commands: ops.map(() => 'INSERT 0 1') })
  for (const op of ops) ledger.answered.add(op)
  ledger.settle('certain', ...ops)
}

async function copyIn(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const [op, rows] = [nextOp(), random.between(1, 500)]
  ledger.write(op, rows, 'impossible')
  const begun = await talk.ask([say.query(`copy ledger from stdin /* ${op} */`)], 'G')
  if (begun.at(-1)?.tag !== 'G')
    return void ledger.wrong.push(`${op}: no COPY, but ${errorsOf(begun).join('; ')}`)
  const lines = Array.from({ length: rows }, (_, i) => say.copyData(`${op}\t${i}\n`))
  ledger.settle('possible', op)
  check(ledger, op, await talk.ask([...lines, say.copyDone()]), { commands: [`COPY ${rows}`] })
  ledger.settle('certain', op)
}

async function copyOut(talk: Talk, ledger: Ledger, random: Random): Promise<void> {
  const [op, rows] = [nextOp(), random.between(1, 5000)]
  const text = `copy (select i from generate_series(1, ${rows}) i) to stdout /* ${op} */`
  const frames = await talk.ask([say.query(text)])
  const wanted = Array.from({ length: rows }, (_, i) => `${i + 1}\n`).join('')
  check(ledger, op, frames, { commands: [`COPY ${rows}`], copied: wanted })
}

/** What policy forbids is refused with words, the session goes on, and the target never hears of it. */
async function forbidden(talk: Talk, ledger: Ledger): Promise<void> {
  const op = nextOp()
  ledger.forbidden.add(op)
  const errors = errorsOf(await talk.ask([say.query(`delete from ledger where op <> '${op}'`)]))
  if (errors.length !== 1 || !errors[0]!.startsWith('42501 '))
    ledger.wrong.push(`${op}: forbidden, and answered ${errors.join('; ') || 'as if it were not'}`)
}

function insertText(op: string): string {
  return `insert into ledger values ('${op}', 0)`
}

function insertPrepared(talk: Talk, op: string): Uint8Array[] {
  return [
    ...prepared(talk, 'insert', 'insert into ledger values ($1, $2)'),
    say.bind([op, '0'], { statement: 'insert' }),
    say.execute(),
  ]
}

/** What parses a named statement, where this session has not done so yet. */
function prepared(talk: Talk, name: string, text: string): Uint8Array[] {
  if (talk.prepared.has(name)) return []
  talk.prepared.add(name)
  return [say.parse(text, { name })]
}

interface Answer {
  readonly rows?: readonly (readonly (string | null)[])[]
  readonly commands: readonly string[]
  readonly copied?: string
}

function check(ledger: Ledger, op: string | undefined, frames: readonly RawFrame[], wanted: Answer): void {
  const errors = errorsOf(frames)
  const got = JSON.stringify([rowsOf(frames), commandsOf(frames), copiedOf(frames)])
  if (errors.length > 0 || got !== JSON.stringify([wanted.rows ?? [], wanted.commands, wanted.copied ?? '']))
    throw new WrongAnswer(
      `${op ?? 'a transaction'}: wanted ${wanted.commands.join(', ')}, got ${errors.join('; ') || got.slice(0, 300)}`,
    )
  if (op !== undefined) ledger.answered.add(op)
}

/** The session goes on, and said what it should not have said. */
export class WrongAnswer extends Error {}

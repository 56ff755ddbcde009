import { pick, Tape, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { fieldsOf, type RawFrame } from '../../world/raw-postgres.ts'
import { PlantedGrammar } from './planted/grammar.ts'
import { PlantedGround } from './planted/ground.ts'
import { secretIn, textIn } from './planted/secrets.ts'

/** An input: the choices of a schema, and of a statement over it. */
export const target: Target = {
  name: 'planted',
  promise:
    'no planted secret reaches who may not see it, in any form; who may see it, and who reads what has no tags, gets the bytes that the server sends',
  unit: 'statements',
  units: { long: 30_000, short: 400 },
  guide: /fuzz\/targets\/planted\//,
  maxBytes: 600,
  slowMs: 20_000,
  needsServers: true,
  open: async () => new Planted(await PlantedGround.start()),
}

class Planted implements Subject {
  readonly seeds: readonly Buffer[] = []
  readonly words: readonly Buffer[] = []
  readonly #ground: PlantedGround

  constructor(ground: PlantedGround) {
    this.#ground = ground
  }

  invent(random: Random): Buffer {
    return random.bytes(40 + random.below(300))
  }

  async run(input: Buffer): Promise<number> {
    const tape = new Tape(input)
    const offer = pick(tape, this.#ground.offers)
    const isPlain = tape.below(4) === 3
    const asked = new PlantedGrammar(tape, isPlain ? offer.plain : offer.all).statement()
    const [direct, seen, ...readers] = await this.#ground.askAll(asked)
    const what = (): string => `${asked.manner}: ${asked.sql}`
    // On a busy machine one of them may run into the server's statement_timeout, and the other not.
    const isCut = [direct, seen, ...readers].some(isTimedOut)
    must(
      isCut || same(direct, seen),
      () => `who may see all sees something else\n${what()}\n${differs(direct, seen)}`,
    )
    for (const [i, asker] of (['strict', 'lenient'] as const).entries()) {
      const shown = readers[i]!
      for (const { tag, body } of shown) {
        const leaked = tag === 'D' ? secretIn(valuesOf(body)) : tag === 'd' ? secretIn(body) : textIn(body)
        must(leaked === undefined, () => `${asker}: ${leaked} is shown in ${tag}\n${what()}`)
      }
      if (isPlain && !isCut && !isTold(direct))
        must(
          same(direct, shown),
          () => `${asker}: without tags, something else\n${what()}\n${differs(direct, shown)}`,
        )
    }
    return 1
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ground[Symbol.asyncDispose]()
  }
}

function isTimedOut(frames: readonly RawFrame[]): boolean {
  return frames.some((frame) => frame.tag === 'E' && fieldsOf(frame)['C'] === '57014')
}

/** Errors and notices are replaced for who may not see everything, whatever they are about. */
function isTold(frames: readonly RawFrame[]): boolean {
  return frames.some(({ tag }) => tag === 'E' || tag === 'N')
}

function same(some: readonly RawFrame[], others: readonly RawFrame[]): boolean {
  return differs(some, others) === undefined
}

function differs(some: readonly RawFrame[], others: readonly RawFrame[]): string | undefined {
  const at = some.findIndex(({ tag, body }, i) => others[i]?.tag !== tag || !others[i].body.equals(body))
  if (at === -1 && some.length === others.length) return undefined
  const shown = (frame: RawFrame | undefined): string =>
    frame === undefined
      ? 'nothing'
      : frame.tag === 'E'
        ? JSON.stringify(fieldsOf(frame))
        : `${frame.tag} ${JSON.stringify(frame.body.toString('latin1'))}`
  const where = at === -1 ? some.length : at
  return `message ${where}: ${shown(some[where])}\nis: ${shown(others[where])}`
}

/** Without the lengths of values, which would stand between their bytes. */
function valuesOf(body: Buffer): Buffer {
  const values: Buffer[] = []
  for (let at = 2; at + 4 <= body.length;) {
    const length = Math.max(0, body.readInt32BE(at))
    values.push(body.subarray(at + 4, at + 4 + length), apart)
    at += 4 + length
  }
  return Buffer.concat(values)
}

const apart = Buffer.from(' ')

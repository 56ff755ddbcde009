import { Tape, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { checkAnalysis } from './postgres/classified.ts'
import { Classifier } from './postgres/classifier.ts'
import { Grammar } from './postgres/grammar.ts'

/** An input: the choices of a grammar that knows what its statements do. */
export const target: Target = {
  name: 'effects',
  promise: 'what a statement is known to do is among its facts, however it is nested and spelt',
  unit: 'statements',
  units: { long: 300_000, short: 1_500 },
  guide: /packages\/postgres\/src\/facts\//,
  maxBytes: 1024,
  slowMs: 1_500,
  open: async () => new Effects(await Classifier.create()),
}

class Effects implements Subject {
  readonly seeds: readonly Buffer[] = []
  readonly words: readonly Buffer[] = []
  readonly #classifier: Classifier

  constructor(classifier: Classifier) {
    this.#classifier = classifier
  }

  readonly invent = (random: Random): Buffer => random.bytes(4 + random.below(200))

  readonly run = async (input: Buffer): Promise<number> => {
    const grammar = new Grammar(new Tape(input))
    const text = grammar.text()
    const analysis = this.#classifier.analyse(text)
    const { facts, refusal } = analysis instanceof Promise ? await analysis : analysis
    checkAnalysis(text, await analysis)
    if (refusal !== undefined) return Math.max(1, facts.length)
    const actions = new Set(facts.flatMap((one) => one.actions))
    if (actions.has('unparsed')) return Math.max(1, facts.length)
    for (const action of grammar.actions)
      must(
        actions.has(action),
        () => `it does ${action}, and is not said to:\n${[...actions].join(', ')}\n${text}`,
      )
    const uses = new Set(
      facts.flatMap(({ objects }) =>
        objects.flatMap((it) => it.actions.map((action) => `${it.path.slice(1).join('.')} ${action}`)),
      ),
    )
    for (const use of grammar.objects)
      must(uses.has(use), () => `it does ${use}, and is not said to:\n${[...uses].join(', ')}\n${text}`)
    return Math.max(1, facts.length)
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.#classifier[Symbol.asyncDispose]()
  }
}

import type { Facts, FactValue } from '@sallyport/core'
import { neutral, type Vocabulary } from './vocabulary.ts'

/** One action on one object, or on the resource itself where `path` is absent. */
export interface Question {
  readonly action: string
  readonly path?: readonly string[]
}

/**
 * All that a statement asks to do: each object's actions on it, and what it does to no object in particular on the
 * resource. An object that says nothing of its actions is taken to suffer them all.
 */
export function questionsOf(facts: Facts): Question[] {
  const questions: Question[] = []
  const onObjects = new Set<string>()
  for (const { path, actions } of facts.objects)
    for (const action of actions.length > 0 ? actions : facts.actions) {
      onObjects.add(action)
      questions.push(path.length > 0 ? { action, path } : { action })
    }
  for (const action of facts.actions) if (!onObjects.has(action)) questions.push({ action })
  return questions
}

/**
 * The facts as `context` has them for one action. What no policy asks for is left neutral, so that statements which
 * differ in nothing else share a decision. Undefined where the protocol has no such action or fact: a mistake of its own.
 */
export function contextFor(
  action: string,
  facts: Facts,
  protocol: string,
  asked: ReadonlySet<string> | undefined,
  vocabulary: Vocabulary,
): Record<string, boolean | number | string | string[]> | undefined {
  const own = vocabulary.protocols.get(protocol)
  const types = vocabulary.actions.get(action)?.facts
  if (!types || !own?.actions.some(({ name }) => name === action)) return undefined
  const declared = new Set(own.facts.map(({ name }) => name))
  if (Object.keys(facts.context).some((name) => !declared.has(name))) return undefined
  const context: Record<string, boolean | number | string | string[]> = {}
  for (const [name, type] of types) {
    const isAsked = asked === undefined || asked.has(name)
    const value = isAsked && declared.has(name) ? facts.context[name] : neutral[type]
    // A fact that should be there and is not stays absent: the schema then refuses the request.
    if (value !== undefined) context[name] = isList(value) ? [...value] : value
  }
  return context
}

/** What judging a statement costs at worst, in questions: a long list in its facts makes each of them dearer. */
export function costOf(facts: Facts): number {
  const strings = Object.values(facts.context).reduce<number>(
    (sum, value) => sum + (isList(value) ? value.length : 0),
    0,
  )
  return questionsOf(facts).length * (1 + strings / stringsPerQuestion)
}

function isList(value: FactValue): value is readonly string[] {
  return Array.isArray(value)
}

/** Handing Cedar this many strings takes as long as a question without any. */
const stringsPerQuestion = 20

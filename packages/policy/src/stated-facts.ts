import { factsOf, type Facts, type FactValue } from '@sallyport/core'
import { didYouMean } from './closest.ts'
import { unescapeSegment } from './entities.ts'
import { neutral, type ProtocolVocabulary } from './vocabulary.ts'

/** A statement in words of policies. */
export interface StatedFacts {
  readonly actions: readonly string[]
  /** `shop/public/orders`: each suffers all the actions; or a map from object to the actions on it. */
  readonly objects: readonly string[] | Readonly<Record<string, readonly string[]>>
  readonly facts: Readonly<Record<string, FactValue>>
  readonly exposes: readonly string[]
}

/** The question names something that there is not. Its words are for whoever asked. */
export class NotAsked extends Error {
  override readonly name = 'NotAsked'
}

/**
 * The facts of a statement as people state it: those that they do not name are neutral, false, 0, '' or none.
 * @throws NotAsked where the protocol has no such action or fact
 */
export function factsFor(statement: StatedFacts, vocabulary: ProtocolVocabulary): Facts {
  const actions = vocabulary.actions.map(({ name }) => name)
  const objects = isList(statement.objects)
    ? statement.objects.map((object) => [object, statement.actions] as const)
    : Object.entries(statement.objects)
  for (const action of [...statement.actions, ...objects.flatMap(([, used]) => used)])
    if (!actions.includes(action))
      throw new NotAsked(`${vocabulary.name} has no action ${action}${didYouMean(action, actions)}`)

  const types = new Map(vocabulary.facts.map(({ name, type }) => [name, type]))
  const context: Record<string, FactValue> = {}
  for (const [name, type] of types) context[name] = neutral[type]
  for (const [name, value] of Object.entries(statement.facts)) {
    const type = types.get(name)
    if (type === undefined)
      throw new NotAsked(`${vocabulary.name} has no fact ${name}${didYouMean(name, types.keys())}`)
    if (type !== (Array.isArray(value) ? 'strings' : typeof value))
      throw new NotAsked(`the fact ${name} is of type ${type}`)
    context[name] = value
  }
  return factsOf({
    actions: statement.actions,
    objects: objects.map(([path, used]) => ({ path: path.split('/').map(unescapeSegment), actions: used })),
    exposes: statement.exposes,
    context,
  })
}

function isList(objects: StatedFacts['objects']): objects is readonly string[] {
  return Array.isArray(objects)
}

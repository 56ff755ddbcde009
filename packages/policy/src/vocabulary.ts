import type { ActionGroup, FactType, FactValue, StreamProtocol } from '@sallyport/core'

/** What one protocol adds to the words of policies. */
export type ProtocolVocabulary = Pick<StreamProtocol, 'name' | 'actions' | 'facts'>

/** All protocols' words as one: an action that several protocols declare is one action with the facts of them all. */
export interface Vocabulary {
  readonly actions: ReadonlyMap<string, VocabularyAction>
  readonly protocols: ReadonlyMap<string, ProtocolVocabulary>
}

interface VocabularyAction {
  readonly group: ActionGroup
  /** Type by name of each fact that some protocol with this action declares. */
  readonly facts: ReadonlyMap<string, FactType>
}

/** Actions of the gateway itself; no protocol may declare them. */
const gatewayActions = ['connect', 'unmask', 'replay', 'administer', 'review'] as const
export const actionGroups = ['read', 'write', 'dangerous', 'session'] as const satisfies ActionGroup[]
const reservedFacts = ['actor', 'account', 'on']
/** Cedar's own words, which cannot follow a dot. */
const cedarWords = ['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has']

/** What a fact says where nothing is known of it because its protocol has no such fact. */
export const neutral: Readonly<Record<FactType, FactValue>> = {
  boolean: false,
  number: 0,
  string: '',
  strings: [],
}

/** @throws TypeError where protocols contradict each other or take a reserved word: a mistake in a protocol package. */
export function mergeVocabularies(protocols: readonly ProtocolVocabulary[]): Vocabulary {
  const actions = new Map<string, { group: ActionGroup; facts: Map<string, FactType> }>()
  for (const protocol of protocols)
    for (const { name, group } of protocol.actions) {
      mustBeFree('action', name, gatewayActions, /^[a-z][a-z0-9_-]*$/)
      const isAlsoGroup = actionGroups.some((word) => word === name)
      if (isAlsoGroup && name !== group) throw new TypeError(`action ${name} is in the group ${group}`)
      const action = actions.get(name) ?? { group, facts: new Map() }
      if (action.group !== group) throw new TypeError(`action ${name} is in two groups`)
      actions.set(name, action)
      for (const fact of protocol.facts) {
        mustBeFree('fact', fact.name, reservedFacts, /^[a-z][a-z0-9_]*$/)
        const type = action.facts.get(fact.name) ?? fact.type
        if (type !== fact.type) throw new TypeError(`fact ${fact.name} has two types`)
        action.facts.set(fact.name, type)
      }
    }
  return { actions, protocols: new Map(protocols.map((protocol) => [protocol.name, protocol])) }
}

function mustBeFree(what: string, name: string, reserved: readonly string[], form: RegExp): void {
  if (!form.test(name) || cedarWords.includes(name) || reserved.includes(name))
    throw new TypeError(`${what} cannot be named ${name}`)
}

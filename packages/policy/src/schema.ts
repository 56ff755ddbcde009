import type { NamespaceDefinition, RecordType, Type } from '@cedar-policy/cedar-wasm/nodejs'
import type { FactType } from '@sallyport/core'
import { actionGroups, type Vocabulary } from './vocabulary.ts'

/** A Cedar schema in its JSON form, all in the namespace without a name. */
export interface CedarSchema {
  [namespace: string]: NamespaceDefinition<string>
  '': NamespaceDefinition<string>
}

/**
 * The types that policies are checked against: what a person may write, and what requests must look like.
 * Every fact of an action is required, so that a policy never asks for one that is not there.
 */
export function cedarSchema(vocabulary: Vocabulary): CedarSchema {
  const actions: NamespaceDefinition<string>['actions'] = {
    connect: action(['Resource'], { actor, source, account: string }),
    unmask: action(['Tag'], { actor, source, on: { type: 'Entity', name: 'Resource' } }),
    replay: action(['Gateway', 'Resource'], { actor, source }),
    administer: action(['Gateway', 'Resource'], { actor, source }),
    review: action(['Gateway', 'Resource'], { actor, source }),
  }
  for (const group of actionGroups) actions[group] = {}
  for (const [name, { group, facts }] of vocabulary.actions) {
    const attributes: Attributes = { actor, source, account: string }
    for (const [fact, type] of facts) attributes[fact] = types[type]
    actions[name] = action(['Object', 'Resource'], attributes, name === group ? [] : [group])
  }
  return { '': { entityTypes, actions } }
}

type Action = NamespaceDefinition<string>['actions'][string]
type Attributes = RecordType<string>['attributes']

function action(resourceTypes: string[], attributes: Attributes, groups: string[] = []): Action {
  return {
    memberOf: groups.map((id) => ({ id })),
    appliesTo: {
      principalTypes: ['User', 'Workload'],
      resourceTypes,
      context: { type: 'Record', attributes },
    },
  }
}

const string: Type<string> = { type: 'String' }

const types: Readonly<Record<FactType, Type<string>>> = {
  boolean: { type: 'Boolean' },
  number: { type: 'Long' },
  string,
  strings: { type: 'Set', element: string },
}

/** An address: `context.source.isInRange(ip("10.0.0.0/8"))`. */
const source: Type<string> = { type: 'Extension', name: 'ipaddr' }

const actor: Type<string> = {
  type: 'Record',
  attributes: { id: string, kind: string, isDelegated: { type: 'Boolean' }, chain: types.strings },
}

const entityTypes: NamespaceDefinition<string>['entityTypes'] = {
  User: { memberOfTypes: ['Group'] },
  Workload: { memberOfTypes: ['Group'] },
  Group: {},
  Label: {},
  Gateway: {},
  Resource: {
    memberOfTypes: ['Label'],
    shape: { type: 'Record', attributes: { name: string, protocol: string, host: string } },
  },
  // Requests list all ancestors as direct parents: each entity handed to Cedar costs about 30 µs.
  Object: {
    memberOfTypes: ['Object', 'Resource', 'Label'],
    shape: { type: 'Record', attributes: { name: string, path: string } },
  },
  Tag: { memberOfTypes: ['Tag'] },
}

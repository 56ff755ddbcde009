import { copying } from './copy-scripts.ts'
import { extended, simple, type Script } from './differential.ts'
import {
  bigValues,
  changing,
  failing,
  naming,
  parameterised,
  pipelining,
  portals,
} from './extended-scripts.ts'
import { functionCalls } from './function-scripts.ts'
import * as sql from './statements.ts'

/** What the differential test says to a copy of the sample shop, on both ways. */
export const scripts: readonly Script[] = [
  simples('expressions', sql.expressions),
  simples('types as text', sql.typed),
  { name: 'types as text, extended', steps: sql.typed.map((text) => extended(text)) },
  { name: 'types as binary', steps: sql.typed.map((text) => extended(text, [], { results: [1] })) },
  simples('empty queries', sql.empties),
  { name: 'empty queries, extended', steps: sql.empties.map((text) => extended(text)) },
  simples('several statements in one message', sql.severals),
  simples('reading', sql.reading),
  { name: 'reading, extended', steps: sql.reading.map((text) => extended(text)) },
  { name: 'reading, binary', steps: sql.reading.map((text) => extended(text, [], { results: [1] })) },
  simples('errors', sql.errors),
  { name: 'errors, extended', steps: sql.errors.map((text) => extended(text)) },
  simples('transactions', sql.transactions),
  simples('settings', sql.settings),
  simples('schema changes', sql.schemas),
  simples('notices and notifications', sql.notices),
  simples('cursors and prepared statements', sql.cursors),
  simples('introspection', sql.introspection),
  copying,
  parameterised,
  naming,
  portals,
  changing,
  pipelining,
  failing,
  functionCalls,
  bigValues,
  simples('writing', sql.writing),
  {
    name: 'start-up parameters',
    parameters: {
      application_name: 'a name',
      client_encoding: 'utf8',
      DateStyle: 'SQL, DMY',
      options: '-c geqo=off',
    },
    steps: ['SHOW application_name', 'SHOW client_encoding', 'SHOW DateStyle', 'SHOW geqo'].map(simple),
  },
]

/** How many statements they have in all, one message with several counted once. */
export const stepCount = scripts.reduce((sum, { steps }) => sum + steps.length, 0)

function simples(name: string, texts: readonly string[]): Script {
  return { name, steps: texts.map(simple) }
}

import { refusal, type Refusal } from '@sallyport/core'
import type { ClientEncoding } from '../client-encoding.ts'
import { isAlikeEverywhere } from '../facts/alike.ts'
import type { Judgement, PostgresOperation } from '../operations.ts'

/** Why what changes the encoding may not run, if it may not. @param isIdle all is answered, and no transaction is open */
export function encodingRefusal(
  asked: PostgresOperation,
  { statements }: Judgement,
  encoding: ClientEncoding,
  isIdle: () => boolean,
): Refusal | undefined {
  for (const { effects, outputs } of statements)
    for (const effect of effects) {
      if (effect.kind !== 'client-encoding' || encoding.isAlready(effect.value)) continue
      if (encoding.meant(effect.value) === undefined) return notOffered
      const isAlone = asked.kind === 'query' && statements.length === 1 && outputs === 'none'
      if (!isAlone || effect.isLocal || !isIdle()) return notAlone
    }
  return undefined
}

const notOffered = refusal(
  'unsupported',
  'this client_encoding is not offered for a database in this encoding',
  'Use UTF8.',
)

const notAlone = refusal(
  'unsupported',
  'client_encoding is changed between transactions only, by a statement of its own, and for the session',
  'Send SET client_encoding by itself, in a simple query, when everything before it has been answered.',
)

/** Why a text may not be judged where the server reads names in another encoding than the parser does. */
export function namesRefusal(text: string, encoding: ClientEncoding): Refusal | undefined {
  return encoding.isServerUtf8 || isAlikeEverywhere(text) ? undefined : notAlike
}

const notAlike = refusal(
  'unsupported',
  'a name in this statement may be read otherwise in the encoding of the database',
  'Put names with letters beside ASCII in double quotes, and keep them shorter than 64 bytes of UTF-8.',
)

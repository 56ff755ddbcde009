import type { Masking } from '@sallyport/core'
import type { ErrorFields } from './codec/backend.ts'
import type { Diagnostics } from './masks.ts'

/** Errors about the client's own words: they quote nothing but those. */
const ownWords: ReadonlySet<string> = new Set([
  '42601',
  '42P01',
  '42703',
  '42883',
  '42704',
  '3F000',
  '26000',
  '34000',
  '25P02',
  '57014',
])

/** Those that name what the protocol's messages named, and those without names. */
const aboutNames: ReadonlySet<string> = new Set(['26000', '34000', '25P02', '57014'])

/** Field letters that hold no data: severity, code, position, and the names of schema, table, column, type and constraint. */
const harmless = 'SVCPpstcdnFLR'

const classes: Readonly<Record<string, string>> = {
  '02': 'no data',
  '08': 'connection exception',
  '0A': 'feature not supported',
  '21': 'cardinality violation',
  '22': 'a value could not be converted or is out of range',
  '23': 'a constraint was violated',
  '25': 'invalid transaction state',
  '28': 'invalid authorization',
  '2B': 'dependent objects exist',
  '40': 'the transaction was rolled back',
  '42': 'the statement refers to something that does not fit',
  '53': 'the target is out of resources',
  '54': 'a limit of the target was exceeded',
  '55': 'an object is not in the state that this needs',
  '57': 'an operator intervened',
  '58': 'a system error on the target',
  P0: 'a procedure raised an error',
  XX: 'an internal error on the target',
}

const hidden = '; its text is hidden, since it may quote masked data'

/**
 * What error and notice texts become for this subject. In strict masking, a text that may quote data is replaced by that
 * of its SQLSTATE class, and detail, hint and context are left out. Never edited: a text that is passed is passed whole.
 */
export function diagnosticsFor(masking: Masking, maskedTags: ReadonlySet<string>): Diagnostics {
  if (masking.columns.length === 0 || !masking.columns.some(({ tag }) => maskedTags.has(tag))) return 'clear'
  return masking.mode === 'strict' ? strictly : leniently
}

const strictly = (fields: ErrorFields): ErrorFields => withoutQuotes(fields, true)
/** Where values may be cast to names, as in `email::regclass`, the parser's words alone tell where they are in the text. */
const leniently = (fields: ErrorFields): ErrorFields => withoutQuotes(fields, fields.has('P'))

function withoutQuotes(fields: ErrorFields, mayBeOwn: boolean): ErrorFields {
  const code = fields.get('C') ?? 'XX000'
  // With a context, the words are those of a function.
  const isOwn = (mayBeOwn ? ownWords : aboutNames).has(code) && !fields.has('W') && !fields.has('q')
  const kept = new Map<string, string>()
  for (const [letter, value] of fields) {
    if (letter === 'M')
      kept.set('M', isOwn ? value : (classes[code.slice(0, 2)] ?? 'the target reports a problem') + hidden)
    else if (harmless.includes(letter)) kept.set(letter, value)
  }
  return kept
}

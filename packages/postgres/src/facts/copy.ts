import { refusal, type Refusal } from '@sallyport/core'
import type { CopyStmt, DefElem } from '@pgsql/types'
import type { CopyAnalysis, OutputColumn } from './analysis.ts'
import { encodingName } from '../encoding/encodings.ts'
import { constantText, definitions } from './settings.ts'

/** The options of COPY, read as the server reads them. @see https://www.postgresql.org/docs/18/sql-copy.html */
export function copyOptions(
  copy: CopyStmt,
  outputs: readonly OutputColumn[] | 'unknown',
): CopyAnalysis | Refusal {
  const options = new Map(definitions(copy.options).map((option) => [option.defname ?? '', option]))
  const given = text(options.get('encoding'))
  const encoding = given === undefined ? undefined : encodingName(given)
  // Rows that come in are not looked at.
  if (given !== undefined && encoding === undefined && copy.is_from !== true)
    return refusal(
      'unsupported',
      'COPY is not offered in this encoding: its rows cannot be masked',
      'Use UTF8.',
    )
  const format = text(options.get('format')) ?? 'text'
  if (format !== 'text' && format !== 'csv' && format !== 'binary')
    return refusal('unsupported', 'COPY works in the formats text, csv and binary')
  const quote = text(options.get('quote')) ?? '"'
  return {
    direction: copy.is_from === true ? 'in' : 'out',
    format,
    delimiter: text(options.get('delimiter')) ?? (format === 'csv' ? ',' : '\t'),
    nullText: text(options.get('null')) ?? (format === 'csv' ? '' : '\\N'),
    quote,
    escape: text(options.get('escape')) ?? quote,
    hasHeader: isOn(options.get('header')),
    forceQuote: forced(options.get('force_quote')),
    outputs: copy.is_from === true ? [] : outputs,
    ...(encoding === undefined ? {} : { encoding }),
  }
}

function text(option: DefElem | undefined): string | undefined {
  return constantText(option?.arg)
}

/** `HEADER`, `HEADER true`, `HEADER match`. */
function isOn(option: DefElem | undefined): boolean {
  if (option === undefined) return false
  return !['false', 'off', '0'].includes((text(option) ?? 'true').toLowerCase())
}

function forced(option: DefElem | undefined): 'all' | readonly string[] {
  if (option?.arg === undefined) return []
  if ('A_Star' in option.arg) return 'all'
  if (!('List' in option.arg)) return []
  return (option.arg.List.items ?? []).flatMap((item) => constantText(item) ?? [])
}

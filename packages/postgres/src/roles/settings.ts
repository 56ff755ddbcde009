import { parsePath } from '../path-state.ts'
import { quotedName, quotedText } from '../quote.ts'

/**
 * Settings whose value is a list of names, each of which the server quotes by itself.
 * @see PostgreSQL source, GUC_LIST_QUOTE
 */
const lists: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'temp_tablespaces',
])

/** `name to value`, for a value as the server keeps it. */
export function settingClause(name: string, value: string): string {
  return `${quotedName(name)} to ${lists.has(name.toLowerCase()) ? listed(value) : quotedText(value)}`
}

/** What the server cannot have kept is set as one name: it says itself what it makes of that. */
function listed(value: string): string {
  const names = parsePath(value, '$user')
  if (names === 'unknown') return quotedText(value)
  return names.length === 0 ? "''" : names.map(quotedText).join(', ')
}

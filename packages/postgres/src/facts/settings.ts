import { refusal, type Refusal } from '@sallyport/core'
import type { DefElem, Node, VariableSetStmt } from '@pgsql/types'
import { encodingName } from '../encoding/encodings.ts'
import type { SessionEffect } from './analysis.ts'
import type { Draft } from './draft.ts'
import { words } from './names.ts'

const encodingSetting = 'client_encoding'

/** Settings under which the server reads SQL otherwise than the parser does: they stay as they are. */
const pinned: ReadonlyMap<string, (value: string) => boolean> = new Map([
  [
    'standard_conforming_strings',
    (value) => ['on', 'true', 'yes', '1', 'tru', 'tr', 't', 'ye', 'y'].includes(value),
  ],
  // Only a statement of its own may change it, which the session follows.
  [encodingSetting, (value) => encodingName(value) === 'UTF8'],
])

/** Settings that change as whom the session acts, or that switch rules off. */
const identities = new Set([
  'role',
  'session_authorization',
  'session_replication_role',
  'allow_system_table_mods',
])

/** Why a setting may not take this value, whatever policy says. `value` is `undefined` where the text does not tell it. */
function refuseSetting(name: string, value: string | undefined): Refusal | undefined {
  const isAllowed = pinned.get(fold(name))
  if (isAllowed === undefined || (value !== undefined && isAllowed(fold(value)))) return undefined
  return refusal(
    'unsupported',
    `${fold(name)} cannot be changed so: statements are judged by it`,
    fold(name) === encodingSetting ? 'use SET client_encoding TO …' : 'leave it as it is',
  )
}

/** What changing a setting means, by SET or by set_config. `name` is `undefined` where it is computed. */
export function noteSetting(draft: Draft, name: string | undefined, value: string | undefined): void {
  draft.actions.add('session')
  if (name === undefined) {
    draft.actions.add('admin')
    draft.isDynamic = true
    draft.settings.add('?')
    return
  }
  draft.settings.add(fold(name))
  if (identities.has(fold(name))) draft.actions.add('admin')
  draft.refusal ??= refuseSetting(name, value)
}

/**
 * `set_config(name, value, is_local)`. `nameColumn` is what a column `name` is known to be here; `isSure`: it runs, once.
 */
export function noteSetConfig(
  draft: Draft,
  args: readonly Node[],
  nameColumn: string | undefined,
  isSure: boolean,
): void {
  const [given, value, isLocal] = args.map(constantText)
  const [first] = args
  const isColumn =
    first !== undefined && 'ColumnRef' in first && words(first.ColumnRef.fields).join('.') === 'name'
  const name = isColumn ? nameColumn : given
  noteSetting(draft, name, value)
  if (name === undefined) return
  const effect = setEffect(name, value, isLocal !== 'false' && isLocal !== 'f')
  draft.sets.push(
    isSure && value !== undefined && isLocal !== undefined ? effect : { ...effect, isUncertain: true },
  )
}

export function setEffect(
  name: string,
  value: string | undefined,
  isLocal: boolean,
): SessionEffect & { readonly kind: 'set' } {
  const folded = fold(name)
  return value === undefined
    ? { kind: 'set', name: folded, isLocal }
    : { kind: 'set', name: folded, value, isLocal }
}

/**
 * SET, RESET, SET TRANSACTION. Returning to the session's own start value is always allowed: the gateway chose it.
 * @param isOwn it is a statement of its own, and no part of what creates or alters something
 */
export function noteSetStatement(draft: Draft, statement: VariableSetStmt, isOwn: boolean): void {
  draft.actions.add('session')
  const name = statement.name ?? ''
  switch (statement.kind) {
    case 'VAR_SET_VALUE': {
      const value = settingText(statement.args)
      if (isOwn && fold(name) === encodingSetting) return noteEncoding(draft, value)
      return noteSetting(draft, name, value)
    }
    case 'VAR_SET_MULTI':
      return noteModes(draft, statement.args)
    case 'VAR_RESET_ALL':
      draft.settings.add('all')
      return
    default:
      draft.settings.add(fold(name))
      if (identities.has(fold(name))) draft.actions.add('admin')
  }
}

function noteEncoding(draft: Draft, value: string): void {
  draft.settings.add(encodingSetting)
  if (encodingName(value) === undefined) draft.refusal ??= encodingNotOffered
}

/** Why a client may not use an encoding, whatever the database's own is. */
const encodingNotOffered = refusal(
  'unsupported',
  'this client_encoding is not offered: what the server reads in it cannot be told with certainty',
  'Use UTF8.',
)

/** `READ WRITE`, `ISOLATION LEVEL …`, `SNAPSHOT`: settings by other words. */
export function noteModes(draft: Draft, options: readonly Node[] | undefined): void {
  for (const option of definitions(options))
    if (option.defname !== undefined) draft.settings.add(option.defname)
}

/** The value as the server would print it: each name of a list quoted where it must be. */
export function settingText(args: readonly Node[] | undefined, isList = false): string {
  const quoted = (text: string) =>
    isList && !/^[a-z_][a-z0-9_$]*$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  return (args ?? []).map((arg) => quoted(constantText(arg) ?? '')).join(', ')
}

export function definitions(nodes: readonly Node[] | undefined): readonly DefElem[] {
  return (nodes ?? []).flatMap((node) => ('DefElem' in node ? node.DefElem : []))
}

/** A literal as text; `undefined` for anything computed. */
export function constantText(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  if ('TypeCast' in node) return constantText(node.TypeCast.arg)
  if ('String' in node) return node.String.sval ?? ''
  if ('Integer' in node) return String(node.Integer.ival ?? 0)
  if ('Float' in node) return node.Float.fval ?? ''
  if ('Boolean' in node) return String(node.Boolean.boolval ?? false)
  if (!('A_Const' in node)) return undefined
  const { sval, ival, fval, boolval, bsval } = node.A_Const
  if (sval !== undefined) return sval.sval ?? ''
  if (ival !== undefined) return String(ival.ival ?? 0)
  if (fval !== undefined) return fval.fval ?? ''
  if (boolval !== undefined) return String(boolval.boolval ?? false)
  return bsval?.bsval
}

/** Names of settings are compared without case, ASCII alone. */
function fold(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}

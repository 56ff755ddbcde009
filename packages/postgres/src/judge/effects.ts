import type { SessionEffect, StatementAnalysis } from '../facts/analysis.ts'
import type { Effect } from '../operations.ts'

/** What a statement does to the session. @param at which of its text it is */
export function effectsOf(statement: StatementAnalysis, text: string, at: number): Effect[] {
  return statement.effects.flatMap((effect): Effect | readonly Effect[] => effectOf(effect, text, at))
}

function effectOf(effect: SessionEffect, text: string, at: number): Effect | readonly Effect[] {
  switch (effect.kind) {
    case 'prepare':
      return { kind: 'prepare', name: effect.name, prepared: { text, typeIds: [], at } }
    case 'declare': {
      const { inner, isHoldable } = effect
      return {
        kind: 'declare',
        name: effect.cursor,
        cursor: { kind: 'cursor', text, inner, isHoldable, era: 0 },
      }
    }
    case 'deallocate':
      return { kind: 'deallocate', ...(effect.name === undefined ? {} : { name: effect.name }) }
    case 'close-cursor':
      return { kind: 'close-cursor', ...(effect.cursor === undefined ? {} : { name: effect.cursor }) }
    case 'discard':
      return effect.what === 'all' ? [{ kind: 'discard-all' }, ...backToDefaults] : []
    case 'set':
      if (effect.name === 'client_encoding')
        return { kind: 'client-encoding', value: effect.value, isLocal: effect.isLocal }
      if (effect.name !== 'search_path') return []
      return {
        kind: 'search-path',
        value: effect.value,
        isLocal: effect.isLocal,
        ...(effect.isUncertain === true ? { isUncertain: true } : {}),
      }
    case 'reset-all':
      return backToDefaults
    case 'ddl':
    case 'opaque':
      return { kind: effect.kind }
    case 'transaction':
      if ('name' in effect) return { kind: effect.step, name: effect.name }
      return endings.has(effect.step)
        ? { kind: 'transaction-end', isRollback: effect.step === 'rollback' }
        : []
    case 'execute':
    case 'fetch':
      return []
  }
}

const backToDefaults: readonly Effect[] = [
  { kind: 'search-path', value: undefined, isLocal: false },
  { kind: 'client-encoding', value: undefined, isLocal: false },
]
const endings: ReadonlySet<string> = new Set(['commit', 'rollback', 'two-phase'])

/** Whether what it does is the same whatever the session has made of names, each time. */
export function isSteady({ effects }: StatementAnalysis): boolean {
  return effects.every(({ kind }) => !named.has(kind))
}

const named: ReadonlySet<string> = new Set(['execute', 'fetch', 'prepare', 'declare'])

import type {
  ClosePortalStmt,
  DeallocateStmt,
  DiscardStmt,
  ExecuteStmt,
  FetchStmt,
  TransactionStmt,
  TransactionStmtKind,
  VariableSetStmt,
} from '@pgsql/types'
import type { SessionEffect } from './analysis.ts'
import { constantText, definitions, setEffect, settingText } from './settings.ts'

/** What a statement without inner statements does to the session. */
export function effectsOf(type: string, fields: object): readonly SessionEffect[] {
  switch (type) {
    case 'ExecuteStmt': {
      const { name }: ExecuteStmt = fields
      return [{ kind: 'execute', name: name ?? '' }]
    }
    case 'DeallocateStmt': {
      const { name, isall }: DeallocateStmt = fields
      return [isall === true || name === undefined ? { kind: 'deallocate' } : { kind: 'deallocate', name }]
    }
    case 'FetchStmt': {
      const { portalname, ismove }: FetchStmt = fields
      return [{ kind: 'fetch', cursor: portalname ?? '', isMove: ismove === true }]
    }
    case 'ClosePortalStmt': {
      const { portalname }: ClosePortalStmt = fields
      return [
        portalname === undefined ? { kind: 'close-cursor' } : { kind: 'close-cursor', cursor: portalname },
      ]
    }
    case 'DiscardStmt': {
      const { target }: DiscardStmt = fields
      return [{ kind: 'discard', what: discards[target ?? 'DISCARD_ALL'] }]
    }
    case 'VariableSetStmt':
      return setEffects(fields)
    case 'TransactionStmt': {
      const { kind = 'TRANS_STMT_BEGIN', options, savepoint_name: name = '' }: TransactionStmt = fields
      if (isOfSavepoint(kind)) return [{ kind: 'transaction', step: savepointSteps[kind], name }]
      return [
        { kind: 'transaction', step: steps[kind] },
        ...definitions(options).flatMap((option) =>
          setEffect(option.defname ?? '', constantText(option.arg), true),
        ),
      ]
    }
    default:
      return []
  }
}

function setEffects(statement: VariableSetStmt): readonly SessionEffect[] {
  const isLocal = statement.is_local === true
  const name = statement.name ?? ''
  switch (statement.kind) {
    case 'VAR_SET_VALUE':
      return [setEffect(name, settingText(statement.args, name === 'search_path'), isLocal)]
    case 'VAR_SET_MULTI':
      return definitions(statement.args).map((option) =>
        setEffect(option.defname ?? '', constantText(option.arg), statement.name === 'TRANSACTION'),
      )
    case 'VAR_RESET_ALL':
      return [{ kind: 'reset-all' }]
    default:
      return [setEffect(name, undefined, isLocal)]
  }
}

const discards = {
  DISCARD_ALL: 'all',
  DISCARD_PLANS: 'plans',
  DISCARD_SEQUENCES: 'sequences',
  DISCARD_TEMP: 'temporary',
} as const

const steps = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
  TRANS_STMT_PREPARE: 'two-phase',
  TRANS_STMT_COMMIT_PREPARED: 'two-phase',
  TRANS_STMT_ROLLBACK_PREPARED: 'two-phase',
} as const

const savepointSteps = {
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_ROLLBACK_TO: 'rollback-to',
} as const

const isOfSavepoint = (kind: TransactionStmtKind): kind is keyof typeof savepointSteps =>
  kind in savepointSteps

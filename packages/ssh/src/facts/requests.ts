import type { Facts } from '@sallyport/core'
import { Draft } from './draft.ts'
import { home } from './paths.ts'

export interface ShellRequest {
  /** A terminal was asked for. */
  readonly hasTerminal: boolean
  /** Names of the environment variables that go to the target with it. */
  readonly environment: readonly string[]
}

/** What a log-in shell does: nobody knows. */
export function factsOfShell({ hasTerminal, environment }: ShellRequest): Facts {
  const draft = new Draft()
  draft.actions.add('shell')
  draft.isDynamic = true
  draft.hasTerminal = hasTerminal
  for (const name of environment) draft.environment.add(name)
  return draft.finish()
}

/**
 * What the start of a subsystem does. SFTP begins with a look at the home, and is judged request by request from there on; only
 * the exact name is SFTP.
 */
export function factsOfSubsystem(name: Uint8Array): Facts {
  const draft = new Draft()
  const text = Buffer.from(name).toString('latin1')
  draft.subsystem = /^[!-~]{1,128}$/.test(text) ? text : ''
  if (text === 'sftp') {
    draft.transfer = 'sftp'
    draft.file(home, 'list', 'reads')
  } else {
    draft.actions.add('subsystem')
    draft.isDynamic = true
    if (draft.subsystem === '') draft.unparsed()
    else draft.object(['subsystems', text], 'subsystem')
  }
  return draft.finish()
}

import { text as readAll } from 'node:stream/consumers'
import { exit, Failure } from './failure.ts'
import type { Surroundings } from './surroundings.ts'

/** Asks at the terminal, or reads standard input where it is none: never takes a secret from an argument. */
export async function askPassword(surroundings: Surroundings, message: string): Promise<string> {
  if (surroundings.input.isTTY !== true) return (await readAll(surroundings.input)).replace(/\r?\n$/, '')
  const { password, isCancel } = await import('@clack/prompts')
  const answer = await password({ message })
  if (isCancel(answer)) throw new Failure('cancelled', { exitCode: exit.usage })
  return answer
}

export async function askText(surroundings: Surroundings, message: string, flag: string): Promise<string> {
  if (surroundings.input.isTTY !== true)
    throw new Failure(`${message}?`, { exitCode: exit.usage, next: `give ${flag}` })
  const { text, isCancel } = await import('@clack/prompts')
  const answer = await text({ message })
  if (isCancel(answer)) throw new Failure('cancelled', { exitCode: exit.usage })
  return answer
}

/** Yes or no; no without a terminal. */
export async function confirm(surroundings: Surroundings, message: string): Promise<boolean> {
  if (surroundings.input.isTTY !== true) return false
  const prompts = await import('@clack/prompts')
  return (await prompts.confirm({ message, initialValue: false })) === true
}

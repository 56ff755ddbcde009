import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** @returns why not, in words for a skip; undefined where it is */
export function isInstalled(program: string): string | undefined {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, program)))
  return found ? undefined : `${program} is not installed`
}

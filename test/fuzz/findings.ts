import { hash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './search.ts'

/** Saves an input as it is, and what broke beside it. @returns the input's file */
export function saveFinding(directory: string, { target, input, words }: Finding): string {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${target}-${hash('sha256', input, 'hex').slice(0, 8)}.bin`)
  writeFileSync(file, input)
  writeFileSync(file.replace(/bin$/, 'txt'), `${words}\n`)
  return file
}

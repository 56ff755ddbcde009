import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Outcome, Passage } from '@sallyport/core'
import type { Plan } from './no-ssh.ts'

/** A line of what the conversation was asked, and told. */
interface Line {
  readonly asked?: string
  readonly refused?: boolean
  readonly note?: Passage
  readonly outcome?: Outcome
  readonly end?: string
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly record: readonly Line[]
}

/**
 * Runs a client that takes a program in place of ssh.
 * @param path where it runs @param command of the client, given that program @param input bytes, as latin1
 */
export async function runThrough(
  path: string,
  plan: Plan,
  command: (program: string) => readonly string[],
  input = '',
): Promise<Run> {
  const [program, record] = [join(path, 'no-ssh'), join(path, 'record')]
  const script = join(import.meta.dirname, 'no-ssh.ts')
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`, { mode: 0o755 })
  await writeFile(record, '')
  const [name, ...args] = command(program)
  const client = spawn(name!, args, {
    cwd: path,
    env: { ...process.env, LC_ALL: 'C.UTF-8', NO_SSH: JSON.stringify({ ...plan, record }) },
    timeout: 60_000,
  })
  client.stdin.end(input, 'latin1')
  const closed = new Promise<number | null>((resolve) => client.on('close', resolve))
  const [code, stdout, stderr] = await Promise.all([closed, text(client.stdout), text(client.stderr)])
  const lines = (await readFile(record, 'utf8')).split('\n').filter((line) => line !== '')
  return { code, stdout, stderr, record: lines.map((line) => JSON.parse(line) as Line) }
}

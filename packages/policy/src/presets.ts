import { readFileSync } from 'node:fs'

/** A policy file to copy or to use as it is, with the cases that show what it does. */
export interface Preset {
  readonly name: string
  /** One line for lists. */
  readonly meaning: string
  /** Cedar. */
  readonly text: string
  /** Policy tests that it passes when it is the only policy file. */
  readonly cases: string
}

export const presets: readonly Preset[] = [
  preset(
    'read-only-developers',
    'Developers read production, with sensitive values masked; they change nothing',
  ),
  preset('no-unfiltered-writes', 'No UPDATE or DELETE without a WHERE clause'),
  preset('ddl-by-review', 'Schema changes and grants only after review by the group dba'),
  preset('no-server-programs', 'No programs, files, network or administration of the server'),
  preset('no-unparsed', 'Nothing that cannot be parsed, no DO blocks or SQL in strings'),
  preset('no-identity-change', 'No SET ROLE or SET SESSION AUTHORIZATION: a session keeps its account'),
  preset(
    'ssh-destructive-commands',
    'No SSH command that destroys system trees, disks or the running machine',
  ),
  preset('ssh-credential-files', 'No reading or writing of keys, password files and tokens over SSH'),
  preset('ssh-service-control', 'Operators see services at once and change them after review by operations'),
  preset('ai-agents', 'AI agents read masked values, write by review, destroy nothing'),
]

function preset(name: string, meaning: string): Preset {
  return { name, meaning, text: read(`${name}.cedar`), cases: read(`${name}.cases.yaml`) }
}

function read(file: string): string {
  return readFileSync(new URL(`presets/${file}`, import.meta.url), 'utf8')
}

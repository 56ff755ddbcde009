import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clientPath, findPostgres } from '../world/postgres-binaries.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { openArena } from './arena.ts'
import { runFiles } from './files.ts'
import type { Kit } from './kit.ts'

const binaries = findPostgres('any')

test.skipIf(binaries === undefined)(
  'a file that crashes the server takes none of those after it along',
  async () => {
    await using directory = await temporaryDirectory()
    await using workplace = await temporaryDirectory()
    const files = {
      crash: `copy (select 1) to program 'kill -SEGV $PPID';\n`,
      next: 'select 1 + 1 as two;\n',
      last: 'select 3 as three;\n',
    }
    await mkdir(join(directory.path, 'sql'))
    for (const [name, text] of Object.entries(files))
      await writeFile(join(directory.path, 'sql', `${name}.sql`), text)
    await writeFile(join(directory.path, 'pg_regress.c'), '')
    await using arena = await openArena(binaries!.flavour, ['direct'])
    const kit: Kit = {
      flavour: binaries!.flavour,
      version: binaries!.version,
      regress: directory.path,
      modules: directory.path,
      psql: clientPath('psql'),
      pgDump: '',
      pgRestore: '',
      pgbench: '',
      libpqPipeline: undefined,
      environment: {},
    }
    const names = Object.keys(files)
    const outputs = await runFiles(kit, arena, 'direct', names, workplace.path, () => {})
    expect(outputs.get('crash')).toMatch(/server closed the connection unexpectedly[^]*exit 2\n$/)
    expect(outputs.get('next')).toMatch(/ two \n-----\n {3}2\n[^]*exit 0\n$/)
    expect(outputs.get('last')).toMatch(/exit 0\n$/)
  },
)

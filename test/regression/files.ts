import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { environmentOf } from '../world/endpoint.ts'
import { mustRun, run } from '../world/process.ts'
import { soon } from '../world/soon.ts'
import { serverUser } from '../world/user.ts'
import type { Arena, Route } from './arena.ts'
import type { Outputs } from './comparison.ts'
import { regressEnvironment, type Kit } from './kit.ts'

export const regressionDatabase = 'regression'
const database = regressionDatabase
/** Of one file, on a machine that has other things to do. */
const timeoutMs = 900_000

/**
 * Runs files of the regression suite by psql in the way of pg_regress, one after the other, in a database that is new.
 * @param workplace the same for both routes, since messages name it
 * @returns by file, what psql printed: output and errors in their order
 */
export async function runFiles(
  kit: Kit,
  arena: Arena,
  route: Route,
  names: readonly string[],
  workplace: string,
  progress: (words: string) => void,
): Promise<Outputs> {
  await makeDatabase(arena)
  await emptyResults(workplace)
  const environment = {
    ...environmentOf(arena.endpoint(route, database)),
    ...kit.environment,
    ...(await regressEnvironment(kit)),
    PG_ABS_SRCDIR: kit.regress,
    PG_ABS_BUILDDIR: workplace,
    PG_LIBDIR: kit.modules,
    PG_DLSUFFIX: '.so',
  }
  const outputs = new Map<string, string>()
  for (const name of names) {
    const from = performance.now()
    const input = await readFile(join(kit.regress, 'sql', `${name}.sql`))
    // Through a shell, for one stream of both: the order of output and errors is part of the result.
    const { stdout, code, signal } = await run(
      '/bin/sh',
      ['-c', 'exec "$@" 2>&1', 'sh', kit.psql, ...flags],
      {
        environment: { ...environment, PGAPPNAME: `pg_regress/${name}` },
        directory: workplace,
        input,
        timeoutMs,
      },
    )
    outputs.set(name, `${stdout}exit ${signal ?? code}\n`)
    if (code === lostConnection) await backAgain(arena)
    progress(`${route} ${name} ${((performance.now() - from) / 1000).toFixed(1)} s`)
  }
  return outputs
}

/** Of psql, where it was not asked to end. */
const lostConnection = 2

/**
 * A file may crash a server that is older than the suite, which then recovers for a moment. It may not have noticed the crash yet: that
 * it is back shows in two answers with a second between them.
 * @throws Error where it is not back within a minute
 */
async function backAgain({ server }: Arena): Promise<void> {
  let answers = 0
  await soon(async () => {
    const isThere = await server.query('SELECT 1').then(
      () => true,
      () => false,
    )
    answers = isThere ? answers + 1 : 0
    if (answers === 2) return true
    await setTimeout(1_000)
    return undefined
  }, 60_000)
}

/** @see PostgreSQL source, psql_start_test in pg_regress_main.c */
const variables = ['HIDE_TABLEAM=on', 'HIDE_TOAST_COMPRESSION=on'].flatMap((one) => ['-v', one])
const flags = ['-X', '-a', '-q', '-d', database, ...variables]

/** @see PostgreSQL source, create_database in pg_regress.c */
async function makeDatabase({ server }: Arena): Promise<void> {
  await server.createDatabase(database, 'template0')
  for (const setting of [
    "lc_messages TO 'C'",
    "lc_monetary TO 'C'",
    "lc_numeric TO 'C'",
    "lc_time TO 'C'",
    "bytea_output TO 'hex'",
    "timezone_abbreviations TO 'Default'",
  ])
    await server.query(`ALTER DATABASE ${database} SET ${setting}`)
}

/** The server and psql both write there. */
async function emptyResults(workplace: string): Promise<void> {
  const results = join(workplace, 'results')
  await rm(results, { recursive: true, force: true })
  await mkdir(results)
  const user = serverUser()
  if (user) await mustRun('chown', ['-R', `${user.uid}:${user.gid}`, workplace])
}

/** How many outputs are, to the byte, one of those that PostgreSQL's developers expect. For information. */
export async function countExpected(kit: Kit, outputs: Outputs): Promise<number> {
  let count = 0
  for (const [name, output] of outputs) {
    const variants = ['', ...Array.from({ length: 10 }, (_, number) => `_${number}`)]
    const texts = await Promise.all(
      variants.map((variant) =>
        readFile(join(kit.regress, 'expected', `${name}${variant}.out`), 'utf8').catch(() => undefined),
      ),
    )
    if (texts.some((text) => text !== undefined && `${text}exit 0\n` === output)) count++
  }
  return count
}

import { join } from 'node:path'
import { environmentOf } from '../world/endpoint.ts'
import { run } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import type { Arena, Route } from './arena.ts'
import type { Outputs } from './comparison.ts'
import type { Kit } from './kit.ts'

const timeoutMs = 900_000

/** `database`, dumped on one route as text, and restored on that route from a dump that was taken directly. */
export async function runDumps(
  kit: Kit,
  arena: Arena,
  route: Route,
  database: string,
  progress: (words: string) => void,
): Promise<Outputs> {
  await using place = await temporaryDirectory()
  const outputs = new Map<string, string>()
  const on = (which: Route, name: string): NodeJS.ProcessEnv => ({
    ...environmentOf(arena.endpoint(which, name)),
    ...kit.environment,
  })
  const textOf = async (which: Route, name: string): Promise<string> => {
    const { stdout, stderr, code } = await run(kit.pgDump, [], { environment: on(which, name), timeoutMs })
    // The \restrict line of newer versions is random by design.
    return `${stdout}${stderr}exit ${code}\n`.replaceAll(/^\\(un)?restrict .*$/gm, '')
  }
  outputs.set('pg_dump', await textOf(route, database))
  progress(`${route} pg_dump`)

  const archive = join(place.path, 'archive')
  await run(kit.pgDump, ['-Fc', '-f', archive], { environment: on('direct', database), timeoutMs })
  const restored = 'restored'
  await arena.server.dropDatabase(restored)
  await arena.server.createDatabase(restored, 'template0')
  const finished = await run(kit.pgRestore, ['-d', restored, archive], {
    environment: on(route, restored),
    timeoutMs,
  })
  const said = `${finished.stdout}${finished.stderr}exit ${finished.code}\n`
  outputs.set('pg_restore', said.replaceAll(place.path, ''))
  outputs.set('pg_dump of what was restored', await textOf('direct', restored))
  progress(`${route} pg_restore`)
  return outputs
}

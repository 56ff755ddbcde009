import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf } from '../world/endpoint.ts'
import { run } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import type { Arena, Route } from './arena.ts'
import type { Outputs } from './comparison.ts'
import type { Kit } from './kit.ts'

const database = 'pipelines'

/** libpq's own test of pipelines, with its trace of every message: PostgreSQL's `src/test/modules/libpq_pipeline`. */
export async function runPipelines(
  program: string,
  kit: Kit,
  arena: Arena,
  route: Route,
  progress: (words: string) => void,
): Promise<Outputs> {
  await arena.server.dropDatabase(database)
  await arena.server.createDatabase(database)
  await using place = await temporaryDirectory()
  const environment = {
    ...environmentOf(arena.endpoint(route, database)),
    ...kit.environment,
  }
  const { stdout } = await run(program, ['tests'], { environment })
  const outputs = new Map<string, string>()
  for (const name of stdout.trim().split(/\s+/)) {
    const trace = join(place.path, name)
    // Two versions of the protocol, for cancel keys differ.
    for (const version of ['3.0', '3.2']) {
      const finished = await run(
        program,
        ['-r', '700', '-t', trace, name, `max_protocol_version=${version}`],
        { environment },
      )
      const { code, signal, stdout: said, stderr } = finished
      const traced = await readFile(trace, 'utf8').catch(() => '')
      const output = `${said}${stderr}exit ${signal ?? code}\n${traced}`
      outputs.set(`${name} ${version}`, untilFull.has(name) ? kindsOfLines(output) : output)
    }
    progress(`${route} ${name}`)
  }
  return outputs
}

/** Sends as much as the sockets hold, which is of chance: 100,000 statements one time and 200,000 another. */
const untilFull: ReadonlySet<string> = new Set(['uniqviol'])

/** What lines there are, whatever their numbers and dots of progress: how many there are, and in which order, is left out. */
export function kindsOfLines(text: string): string {
  const kinds = text
    .split('\n')
    .map((line) => line.replaceAll(/\d+/g, 'N').replaceAll(/\.{2,}/g, '.'))
    .filter((line) => line !== '')
  return `${[...new Set(kinds)].toSorted().join('\n')}\n`
}

import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Built } from '../../packages/cli/build/build.ts'
import { buildSallyport } from '../world/built.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { mustRun } from '../world/process.ts'
import { query } from '../world/raw-messages.ts'
import { RawPostgres } from '../world/raw-postgres.ts'
import { declarePostgres, startSallyport, unrestricted, type Sallyport } from '../world/sallyport.ts'

const root = new URL('../..', import.meta.url).pathname
const life = new AsyncDisposableStack()
let built: Built
let server: Postgres
let sallyport: Sallyport

beforeAll(async () => {
  built = life.use(await buildSallyport())
  server = life.use(await startPostgres({ databases: ['shop'] }))
  const { command } = built
  sallyport = life.use(await startSallyport({ command, processes: 2, allow: [`127.0.0.1:${server.port}`] }))
  await declarePostgres(sallyport, server)
  await sallyport.apply(unrestricted)
})
afterAll(() => life.disposeAsync())

test('what is built serves statements: short ones, and long ones, which a worker parses', async () => {
  const person = await sallyport.person('alice', ['unrestricted'])
  await using client = await RawPostgres.connect(sallyport.endpoint(person, 'orders-db', 'shop'))
  for (const statement of ['select 6 * 7', `select 6 * length('${'x'.repeat(20_000)}')`]) {
    client.send(query(statement))
    expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])
  }
})

test('what is built has its help, its pages and its presets', async () => {
  const command = (...args: string[]) => mustRun(process.execPath, [built.command.pathname, ...args])
  expect(await command('--help')).toMatch(/Usage: sallyport[^]+ gateway [^]+ agent /)
  expect(await command('policy', 'presets', 'no-unparsed')).toContain('forbid')
  const ca = await readFile(sallyport.authorityFile)
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    get(`${sallyport.baseUrl}/setup`, { ca }, resolve).on('error', reject),
  )
  expect([answer.statusCode, await text(answer)]).toEqual([200, expect.stringContaining('<html')])
})

test('an agent loads nothing that only the gateway or other commands need', () => {
  const loaded = modulesBehind('packages/agent/src/run.ts', 'packages/cli/src/commands/agent.ts')
  expect(loaded).toContain('packages/tunnel/src/agent/link.ts')
  const own = /^packages\/(agent|cli|core|proto|tunnel\/src\/(?!gateway\/)|api\/src\/api-error\.ts)/
  expect(loaded.filter((module) => module.startsWith('packages/') && !own.test(module))).toEqual([])
})

/** The modules that are loaded with these two: their own chunks, and all that those import before anything runs. */
function modulesBehind(...entries: readonly string[]): string[] {
  const byName = new Map(built.chunks.map((chunk) => [chunk.fileName, chunk]))
  const needed = new Set<string>(['sallyport.js'])
  for (const { fileName, moduleIds } of built.chunks)
    if (moduleIds.some((id) => entries.includes(relative(root, id)))) needed.add(fileName)
  for (const name of needed) for (const imported of byName.get(name)?.imports ?? []) needed.add(imported)
  return [...needed].flatMap((name) => byName.get(name)?.moduleIds.map((id) => relative(root, id)) ?? [])
}

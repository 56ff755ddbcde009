import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../world/temporary.ts'
import { openArena, type Route } from './arena.ts'
import { compare, type Compared } from './comparison.ts'
import { Missing } from './debian-source.ts'
import { explanationsFor } from './explanations.ts'
import { runFiles } from './files.ts'
import { assembleKit } from './kit.ts'

/** What the protocol has most to do with. `npm run regression` runs them all. */
const names = [
  'test_setup',
  'strings',
  'errors',
  'transactions',
  'portals',
  'portals_p2',
  'prepare',
  'prepared_xacts',
  'copy',
  'copyselect',
  'copydml',
  'copy2',
  'psql',
  'psql_crosstab',
  'guc',
  'namespace',
  'temp',
  'async',
  'largeobject',
  'plancache',
]

const kit = await assembleKit('system').catch((thrown: unknown) => {
  if (thrown instanceof Missing) return thrown
  throw thrown
})
const title = kit instanceof Missing ? `skipped: ${kit.message}` : `of PostgreSQL ${kit.version}`

describe.skipIf(kit instanceof Missing)(`the regression suite, ${title}`, () => {
  const results = new Map<string, Compared>()

  beforeAll(async () => {
    if (kit instanceof Missing) return
    await using workplace = await temporaryDirectory()
    const outputs = async (route: Route) => {
      await using arena = await openArena('system', [route])
      return await runFiles(kit, arena, route, names, workplace.path, () => {})
    }
    const direct = await outputs('direct')
    const through = await outputs('through')
    for (const one of await compare('files', direct, through, explanationsFor(kit.version)))
      results.set(one.name, one)
  }, 600_000)
  afterAll(() => results.clear())

  test.each(names)('%s prints through Sallyport what it prints directly', (name) => {
    const { verdict, hunks } = results.get(`files/${name}`)!
    expect(hunks).toEqual([])
    expect(verdict).toMatch(/^(equal|explained)$/)
  })
})

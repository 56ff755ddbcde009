import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environmentOf, type Endpoint } from '../world/endpoint.ts'
import { availableFlavours, findClient } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { mustRun, run } from '../world/process.ts'
import { declarePostgres, startSallyport, unrestricted, type Sallyport } from '../world/sallyport.ts'
import { loadSampleShop } from '../world/sample-shop/load.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { differential } from './differential.ts'
import { scripts } from './scripts.ts'

/** Where the gateway differs from a direct connection on purpose, and why. Anything else is a defect. */
const intended: Readonly<Record<string, string>> = {
  'big values 3': 'a statement of more than 1 MiB is not parsed; values of that size belong into parameters',
  'settings 18': 'standard_conforming_strings stays on: statements are judged by it',
  'settings 19': 'a literal that the refused setting would have changed',
  'settings 20': 'it never was off, so resetting it reports no change',
  'errors in the extended protocol 15': 'only functions on large objects are offered by message',
  'errors in the extended protocol 16': 'only functions on large objects are offered by message',
  'errors in the extended protocol 17': 'only functions on large objects are offered by message',
}

const have = {
  psql: findClient('psql') !== undefined,
  pgbench: findClient('pgbench') !== undefined,
  pgDump: findClient('pg_dump') !== undefined,
}

describe.each(availableFlavours())('%s PostgreSQL through gateway and agent', (flavour) => {
  let server: Postgres
  let sallyport: Sallyport
  let endpoint: (database: string) => Endpoint

  beforeAll(async () => {
    server = await startPostgres({ flavour, databases: ['shop'] })
    await loadSampleShop(server.url({ database: 'shop' }))
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server)
    await sallyport.apply(unrestricted)
    const person = await sallyport.person('alice', ['unrestricted'])
    endpoint = (database) => sallyport.endpoint(person, 'orders-db', database)
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  test('an unrestricted person gets the very bytes that a direct connection gives', async () => {
    const found = await differential(server, 'shop', endpoint('twin'), scripts)
    const unexplained = found.filter(({ script, step }) => !(`${script} ${step}` in intended))
    expect(unexplained).toEqual([])
    expect(found.map(({ script, step }) => `${script} ${step}`).toSorted()).toEqual(
      Object.keys(intended).toSorted(),
    )
  })

  test.skipIf(!have.psql)('psql gets the same output, errors and exit code', async () => {
    const script = `\\set ON_ERROR_STOP 0
select name, city from customers order by id limit 3;
\\d customers
\\x
select count(*) from orders;
begin; select 1/0; rollback;
\\set FETCH_COUNT 7
select id from customers order by id limit 30;
\\copy (select id, name from customers order by id limit 5) to stdout
select pg_typeof(1), now() is not null;
`
    const say = (to: Endpoint) => run('psql', ['-X', '-q'], { environment: environmentOf(to), input: script })
    const direct = await say(server.endpoint({ database: 'shop' }))
    const proxied = await say(endpoint('shop'))
    expect(proxied.code).toBe(direct.code)
    expect(proxied.stderr).toBe(direct.stderr)
    expect(proxied.stdout).toBe(direct.stdout)
    expect(direct.stdout).toContain('Indexes')
  })

  test.skipIf(!have.pgbench).each(['simple', 'extended', 'prepared'])(
    'pgbench in %s mode runs without an error',
    async (mode) => {
      await server.createDatabase(`bench_${mode}`)
      const environment = environmentOf(endpoint(`bench_${mode}`))
      await mustRun('pgbench', ['-i', '-q', '-s', '1'], { environment })
      const report = await mustRun('pgbench', ['-M', mode, '-c', '8', '-j', '2', '-t', '50', '-n'], {
        environment,
      })
      expect(report).toMatch(/number of failed transactions: 0/)
      expect(report).toMatch(/number of transactions actually processed: 400\/400/)
    },
  )

  test.skipIf(!have.psql)('psql imports, exports and unlinks large objects', async () => {
    await using place = await temporaryDirectory()
    const content = randomBytes(300_000)
    const [original, copy] = [join(place.path, 'original'), join(place.path, 'copy')]
    await writeFile(original, content)
    const script = `\\lo_import '${original}' 'a comment'
\\lo_export :LASTOID '${copy}'
select md5(lo_get(:LASTOID)) as sum, :LASTOID as made \\gset
\\echo :sum
\\lo_unlink :made
select count(*) from pg_largeobject_metadata;
\\lo_unlink :made
`
    const environment = environmentOf(endpoint('shop'))
    const said = await run('psql', ['-X', '-q', '-A', '-t'], { environment, input: script })
    expect(said.stdout.replace(/^lo_import \d+$/m, '').trim()).toBe(
      `${createHash('md5').update(content).digest('hex')}\n0`,
    )
    expect(said.stderr).toMatch(/^ERROR: {2}large object \d+ does not exist$/m)
    expect(await readFile(copy)).toEqual(content)
  })

  // pg_dump refuses servers newer than itself.
  test.skipIf(!have.pgDump || flavour === 'embedded')(
    'pg_dump and pg_restore keep large objects as they are',
    async () => {
      await server.createDatabase('objects')
      await server.createDatabase('objects_restored')
      const make =
        "select lo_from_bytea(n + 5000, decode(repeat(md5(n::text), n * 5000), 'hex')) from generate_series(0, 5) n"
      await server.query(make, 'objects')
      await using place = await temporaryDirectory()
      const archive = join(place.path, 'archive')
      await mustRun('pg_dump', ['-Fc', '-f', archive], { environment: environmentOf(endpoint('objects')) })
      const into = environmentOf(endpoint('objects_restored'))
      await mustRun('pg_restore', ['--exit-on-error', '-d', 'objects_restored', archive], {
        environment: into,
      })
      const sums = 'select oid::text, md5(lo_get(oid)) from pg_largeobject_metadata order by oid'
      const restored = await server.query(sums, 'objects_restored')
      expect(restored).toEqual(await server.query(sums, 'objects'))
      expect(restored).toHaveLength(6)
    },
  )

  // pg_dump refuses servers newer than itself.
  test.skipIf(!have.pgDump || flavour === 'embedded')('pg_dump writes the same dump', async () => {
    // The \restrict line of newer versions is random by design.
    const dump = async (from: Endpoint): Promise<string> =>
      (await mustRun('pg_dump', [], { environment: environmentOf(from) })).replace(
        /^\\(un)?restrict .*$/gm,
        '',
      )
    const direct = await dump(server.endpoint({ database: 'shop' }))
    expect(await dump(endpoint('shop'))).toBe(direct)
    expect(direct).toContain('COPY public.customers')
  })
})

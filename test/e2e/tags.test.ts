import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { describe, expect, test } from 'vitest'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { mustRun } from '../world/process.ts'
import { declarePostgres, startSallyport, type Sallyport } from '../world/sallyport.ts'

const fixture = `
create schema app;
create table app.customers (id int, email text, "Mobile No" varchar(30), note text, birth_date date, extra jsonb, tags text[]);
insert into app.customers
  select i, 'someone' || i || '@example.org', '+49 30 90' || (100000 + i), 'likes number ' || i, date '1990-01-01',
    jsonb_build_object('card', '4111 1111 1111 1111'), array['write to a' || i || '@b.example']
  from generate_series(1, 5000) i;
create table app.parts (id int, iban text) partition by list (id);
create table app.part0 partition of app.parts default;
insert into app.parts values (1, 'DE89370400440532013000'), (2, null);
create table app.closed (email text);
insert into app.closed values ('x@example.org');
create view app.emails as select email from app.customers;
create table public.empty (password_hash text);
create table public.dull (id int, name text);
insert into public.dull select i, 'thing ' || i from generate_series(1, 100) i;
create role looker login password 'looker''s own word';
grant usage on schema app to looker;
grant select on app.customers, app.parts, public.empty, public.dull to looker;
`

/** None of them may be in any answer. */
const values = /someone\d|4111|@example|@b\.example|3704|90100/

describe.each([1, 2])('tags that are suggested, by a gateway of %i processes', (processes) => {
  test('come from samples and names, with counts and never a value, under the account and on the record', async () => {
    await using server = await startPostgres({ databases: ['shop'] })
    await server.query(fixture, 'shop')
    await server.query('analyze', 'shop')
    await using sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes })
    await declare(sallyport, server)
    const { resources, audit } = sallyport.admin.client

    const answer = await resources.suggestTags({ name: 'orders-db', account: 'looker', rows: 100 })
    expect(JSON.stringify(answer)).not.toMatch(values)
    expect(answer.leftOut).toEqual(['app.closed'])
    const found = answer.items.map((it) => {
      const part =
        it.values === 0 ? 'none' : it.found === it.values ? 'all' : it.found === 0 ? 'name' : 'some'
      return `${it.column} ${it.tag} ${part} ${it.byName} ${it.isDeclared}`
    })
    expect(found).toEqual([
      'app.customers.email pii.email all true true',
      'app.customers.Mobile No pii.phone all true false',
      'app.customers.birth_date pii.birthdate name true false',
      'app.customers.extra pii.card all false false',
      'app.customers.tags pii.email all false false',
      'app.parts.iban pii.iban all true false',
      'public.empty.password_hash secret.key none true false',
    ])
    expect(answer.items.every((it) => it.values <= 100)).toBe(true)

    const { items } = await audit.list({})
    expect(JSON.stringify(items)).toContain('100 rows a table of orders-db as looker')
    expect(JSON.stringify(items)).not.toMatch(values)

    const printed = await mustRun(
      process.execPath,
      [cli, 'tags', 'suggest', 'orders-db', '--account', 'looker', '--schema', 'public'],
      {
        environment: {
          ...process.env,
          SALLYPORT_GATEWAY: sallyport.baseUrl,
          SALLYPORT_TOKEN: sallyport.admin.token,
          SALLYPORT_CA: sallyport.authorityFile,
        },
      },
    )
    const [, declaration = ''] = printed.split('\n\n')
    expect(parse(declaration)).toEqual({
      masking: { columns: { 'public.empty.password_hash': 'secret.key' } },
    })

    const alice = await sallyport.person('alice', [])
    await expect(alice.client.resources.suggestTags({ name: 'orders-db' })).rejects.toMatchObject({
      status: 403,
    })
    await expect(resources.suggestTags({ name: 'orders-db', account: 'nobody' })).rejects.toMatchObject({
      status: 404,
    })
  })
})

const cli = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

async function declare(sallyport: Sallyport, server: Postgres): Promise<void> {
  await sallyport.apply({ kind: 'Credential', name: 'looker', password: "looker's own word" })
  await declarePostgres(sallyport, server, {
    accounts: [
      { name: server.user, credential: { from: 'sealed', name: 'orders-db' } },
      { name: 'looker', credential: { from: 'sealed', name: 'looker' } },
    ],
    options: {
      database: 'shop',
      tls: { mode: 'verify-full', ca: server.authority, servername: 'localhost' },
    },
    masking: { columns: { 'app.customers.email': 'pii.email' } },
  })
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { availableFlavours } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { query } from '../world/raw-messages.ts'
import { fieldsOf, RawPostgres } from '../world/raw-postgres.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'

const secrets = {
  kind: 'Policy',
  name: 'secrets',
  text: '@id("no-secrets") forbid (principal, action, resource in Object::"orders-db/shop/secret");\n',
} as const

describe.each(availableFlavours())('a new session on a %s PostgreSQL', (flavour) => {
  let server: Postgres
  let sallyport: Sallyport
  let alice: Person

  beforeAll(async () => {
    server = await startPostgres({ flavour, databases: ['shop'] })
    await server.query(
      `create schema open; create schema secret; create table open.t as select 'open'::text as word;
       create table secret.t as select 'secret'::text as word`,
      'shop',
    )
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server)
    await sallyport.apply(unrestricted)
    await sallyport.apply(secrets)
    alice = await sallyport.person('alice', ['unrestricted'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  /** What a session that is new finds in the table of that name: a word, or the code of a refusal. */
  async function found(): Promise<string> {
    await using session = await RawPostgres.connect(sallyport.endpoint(alice, 'orders-db', 'shop'))
    session.send(query('select word from t'))
    const frames = await session.untilReady()
    const error = frames.find(({ tag }) => tag === 'E')
    if (error !== undefined) return fieldsOf(error)['C'] ?? 'none'
    return frames.find(({ tag }) => tag === 'D')?.body.toString('utf8', 6) ?? 'nothing'
  }

  test('is judged by the search_path that its account has by then, while others are there', async () => {
    const set = (what: string) => server.query(`alter ${what}`, 'shop')
    await set('database shop set search_path = open')
    await using _other = await RawPostgres.connect(sallyport.endpoint(alice, 'orders-db', 'shop'))
    expect(await found()).toBe('open')
    await set(`role ${server.user} set search_path = secret`)
    expect(await found()).toBe('42501')
    await set(`role ${server.user} in database shop set search_path = "$user", open`)
    expect(await found()).toBe('open')
    await set(`role ${server.user} in database shop reset search_path`)
    expect(await found()).toBe('42501')
    await set(`role ${server.user} reset all`)
    expect(await found()).toBe('open')
    await set('database shop reset all')
    await set("system set search_path = 'secret'")
    await server.query('select pg_reload_conf()')
    expect(await found()).toBe('42501')
  })
})

import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CompiledQuery, Kysely, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { auditGenesis, auditHash } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { openStore, type Store } from '../store.ts'
import type { Tables } from '../schema.ts'
import { sealedColumns } from '../repositories/sealed-values.ts'
import { sqliteDialect } from './sqlite.ts'

/** `PRAGMA synchronous`, as a number. */
const full = 2

describe('a store in a file', () => {
  const clock = new FakeClock()
  let directory: string
  let file: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-store-'))
    file = join(directory, 'store.sqlite')
  })
  afterEach(() => rm(directory, { recursive: true }))

  const open = (): Promise<Store> => openStore({ file, clock, lockWaitMs: 0 })
  const refusal = async (): Promise<unknown> => open().catch((thrown: unknown) => thrown)

  test('keeps what was written, for its owner alone', async () => {
    await using(await open(), (store) =>
      store.write('system', 'x', (tx) => tx.settings.put('k', Uint8Array.of(7))),
    )
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const kept = await using(await open(), (store) => store.read.settings.get('k'))
    expect([...(kept ?? [])]).toEqual([7])
  })

  test('is not opened twice in one process, and is free once closed', async () => {
    await using(await open(), async () => {
      expect(await refusal()).toMatchObject({
        code: 'gateway/store-unavailable',
        shown: expect.stringContaining('in use by another process') as string,
      })
    })
    await using(await open(), (store) => store.check())
  })

  test('is not opened by a second process, and is free once the first was killed', async () => {
    const first = spawn(process.execPath, ['--input-type=module', '-e', holder(file)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(first.stdout, 'data')
      expect(await refusal()).toMatchObject({ code: 'gateway/store-unavailable' })
    } finally {
      first.kill('SIGKILL')
      await once(first, 'exit')
    }
    const kept = await using(await open(), (store) => store.read.settings.get('k'))
    expect([...(kept ?? [])]).toEqual([7])
  })

  test('is refused in words where it cannot be opened, is no store, or is damaged', async () => {
    const missing = await openStore({ file: join(directory, 'no', 'such', 'place'), clock }).catch(
      (thrown: unknown) => thrown,
    )
    expect(missing).toMatchObject({ shown: expect.stringContaining('cannot be opened') as string })
    await writeFile(
      file,
      'this is a text file, not a store, and long enough to have a header of its own'.repeat(9),
    )
    expect(await refusal()).toMatchObject({ shown: expect.stringContaining('damaged') as string })
  })

  test('says so where its pages are damaged, in place of wrong answers', async () => {
    await using(await open(), (store) =>
      store.write('system', 'x', (tx) => tx.settings.put('k', new Uint8Array(50_000))),
    )
    const bytes = await readFile(file)
    bytes.fill(0xff, 4096)
    await writeFile(file, bytes)
    expect(await refusal()).toMatchObject({ code: 'gateway/store-unavailable' })
  })

  test('of an older gateway is brought up to date, with what waits in it', async () => {
    await using(await open(), (store) => store.check())
    const older = (table: string): string => `
      alter table ${table} add column reviewers text;
      alter table ${table} add column approvalsNeeded integer;
      alter table ${table} drop column needs;`
    change(
      file,
      `${older('reviews')} ${older('accessRequests')} ${withoutSshKeys} ${withoutIssuers} ${withoutScim}`,
    )
    change(
      file,
      `delete from kysely_migration where name >= '0006';
       insert into reviews values ('r', 's', 'd', '{}', 'u', '{}', 'db', 'app', 't', '[]', null, '[]', 1, 2, 'open', null, '["dba","leads"]', 2);
       insert into accessRequests values ('q', '{}', 'u', '{}', 'u', 'db', 'app', 1, 'r', null, 'f', '[]', null, 1, 2, 'open', '["dba"]', 1)`,
    )
    await using(await open(), async ({ read }) => {
      expect(await read.reviews.get('r')).toMatchObject({
        state: 'open',
        needs: [{ groups: ['dba', 'leads'], approvals: 2 }],
      })
      expect(await read.accessRequests.get('q')).toMatchObject({
        state: 'open',
        needs: [{ groups: ['dba'], approvals: 1 }],
      })
    })
  })

  test('of an older gateway has its redactors under their names of today', async () => {
    await using(await open(), (store) => store.check())
    const masking = {
      mode: 'strict',
      columns: [{ column: 'public.t.c', tag: 'a' }],
      redactors: { a: { kind: 'last-four' }, b: { kind: 'domain' }, c: { kind: 'fixed', text: 'domain' } },
    }
    const document = JSON.stringify({ name: 'db', masking })
    change(
      file,
      `insert into resources (name, version, document, "updatedAt") values ('db', 1, '${document}', 1), ('other', 1, '{"name":"other"}', 1);
       ${withoutSshKeys} ${withoutIssuers} ${withoutScim}
       delete from kysely_migration where name >= '0007'`,
    )
    const [resource, other] = await using(await open(), (store) => store.read.resources.list())
    expect(resource?.masking).toEqual({
      ...masking,
      redactors: { ...masking.redactors, a: { kind: 'keep-last', count: 4 }, b: { kind: 'keep-domain' } },
    })
    expect(other).toEqual({ name: 'other' })
  })

  test('of an older gateway keeps its sign-ins, and knows who vouches for them', async () => {
    await using(await open(), (store) => store.check())
    change(
      file,
      `${withoutDelegation} ${withoutScim} drop table leases; drop table takenAnswers; drop table logoutTokens; drop table signIns;
       create table signIns (id text primary key, userName text not null, refresh blob not null) strict;
       insert into signIns values ('s', 'alice', x'07'), ('t', 'bob', x'08');
       insert into users (name, displayName, "groups", createdAt, issuer, subject) values ('alice', 'Alice', '[]', 1, 'https://idp.example', 'a');
       delete from kysely_migration where name >= '0012'`,
    )
    const signIns = await using(await open(), (store) => store.read.signIns.refreshable())
    const kept = { sid: null, signedIn: { acr: [], amr: [] } }
    expect(signIns).toEqual([
      { id: 's', userName: 'alice', issuer: 'https://idp.example', refresh: Uint8Array.of(7), ...kept },
      { id: 't', userName: 'bob', issuer: null, refresh: Uint8Array.of(8), ...kept },
    ])
  })

  test('of an older gateway has an audit log that stays sound, and goes on', async () => {
    await using(await open(), (store) => store.check())
    const entry = { seq: 1, at: 7, by: 'user:ann', why: 'apply', changes: ['x'], previous: auditGenesis }
    const hash = auditHash({ ...entry, kind: null, principal: null, actor: null, address: null })
    change(
      file,
      `${withoutAuditFields} drop table leases; delete from kysely_migration where name >= '0017';
       insert into audit values (1, 7, 'user:ann', 'apply', '["x"]', '${auditGenesis}', '${hash}')`,
    )
    await using(await open(), async (store) => {
      await store.write('system', 'x', (tx) => tx.settings.put('k', Uint8Array.of(1)))
      const [second, first] = await store.read.audit.list(9)
      expect(first).toEqual({ ...entry, hash, kind: null, principal: null, actor: null, address: null })
      expect(second).toMatchObject({ kind: 'setting', previous: hash })
      expect(await store.read.audit.verify()).toMatchObject({ sound: true, entries: 2 })
    })
  })

  test('has bytes nowhere but where sealed values are looked for, when they are sealed anew', async () => {
    await using(await open(), (store) => store.check())
    const database = new DatabaseSync(file)
    const columns = database
      .prepare(
        `select t.name || '.' || c.name as "column" from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table' and lower(c.type) = 'blob'`,
      )
      .all()
    database.close()
    expect(columns.map(({ column }) => String(column)).toSorted()).toEqual(
      sealedColumns.map(({ table, column }) => `${table}.${column}`).toSorted(),
    )
  })

  test('of a newer gateway is refused', async () => {
    await using(await open(), (store) => store.check())
    change(file, `insert into kysely_migration (name, timestamp) values ('9999-future', 'later')`)
    expect(await refusal()).toMatchObject({ shown: expect.stringContaining('newer gateway') as string })
  })

  test('that is full says so, rolls back whole, and goes on once there is room', async () => {
    const db = new Kysely<{ t: { x: Uint8Array } }>({ dialect: sqliteDialect(file, 0).kysely })
    try {
      await sql`create table t (x blob)`.execute(db)
      await sql`pragma max_page_count = 10`.execute(db)
      const fill = (size: number): Promise<unknown> =>
        db.transaction().execute(async (tx) => {
          await tx
            .insertInto('t')
            .values({ x: Uint8Array.of(1) })
            .execute()
          await tx
            .insertInto('t')
            .values({ x: new Uint8Array(size) })
            .execute()
        })
      const thrown = await fill(100_000).catch((error: unknown) => error)
      expect(thrown).toMatchObject({
        code: 'gateway/store-unavailable',
        shown: expect.stringContaining('disk is full') as string,
      })
      expect(await db.selectFrom('t').selectAll().execute()).toEqual([])
      await fill(10)
      expect(await db.selectFrom('t').selectAll().execute()).toHaveLength(2)
    } finally {
      await db.destroy()
    }
  })

  test('waits for the disk at each commit of its own again after what it committed together, whether or not it could', async () => {
    const dialect = sqliteDialect(file, 0)
    const db = new Kysely<Tables>({ dialect: dialect.kysely })
    try {
      await sql`create table t (x integer primary key) strict`.execute(db)
      const insert = (x: number) => CompiledQuery.raw('insert into t values (?)', [x])
      const synchronous = () => sql<{ synchronous: number }>`pragma synchronous`.execute(db)
      expect(await dialect.commitTogether(db, [insert(1), insert(2)])).toEqual([1n, 1n])
      expect((await synchronous()).rows).toEqual([{ synchronous: full }])
      await expect(dialect.commitTogether(db, [insert(3), insert(2)])).rejects.toThrow('UNIQUE')
      expect((await synchronous()).rows).toEqual([{ synchronous: full }])
      expect((await sql`select x from t`.execute(db)).rows).toEqual([{ x: 1 }, { x: 2 }])
      await sql`pragma max_page_count = 1`.execute(db)
      const large = CompiledQuery.raw('create table u as select zeroblob(100000) as y')
      await expect(dialect.commitTogether(db, [insert(3), large])).rejects.toMatchObject({
        code: 'gateway/store-unavailable',
        shown: expect.stringContaining('disk is full') as string,
      })
      expect((await sql`select x from t`.execute(db)).rows).toEqual([{ x: 1 }, { x: 2 }])
    } finally {
      await db.destroy()
    }
  })

  test('shows where its audit log was altered behind its back', async () => {
    await using(await open(), async (store) => {
      for (const what of ['a', 'b', 'c'])
        await store.write('system', 'x', (tx) => Promise.resolve(tx.note(what)))
    })
    change(file, `drop trigger "auditRefuses_update"; update audit set "by" = 'user:mallory' where seq = 2`)
    await using(await open(), async (store) => {
      expect(await store.read.audit.verify()).toEqual({ sound: false, brokenAt: 2 })
    })
    change(file, `drop trigger "auditRefuses_delete"; delete from audit where seq = 1`)
    await using(await open(), async (store) => {
      expect(await store.read.audit.verify()).toEqual({ sound: false, brokenAt: 1 })
    })
  })

  test.each([
    ['update audit set why = $x', 'audit log only grows'],
    ['delete from audit', 'audit log only grows'],
    [`update reviews set state = 'used'`, 'cannot move'],
    [`update reviews set state = 'open'`, 'cannot move'],
    [`update reviews set state = 'mislaid'`, 'cannot move'],
    [`update accessRequests set state = 'reviewed'`, 'cannot move'],
    [`update accessRequests set state = 'mislaid'`, 'cannot move'],
    [`update grants set endsAt = 9`, 'only be revoked'],
    [`update grants set principalId = 'user:mallory', revokedAt = 2`, 'only be revoked'],
    [`update grants set revokedAt = 2; update grants set revokedAt = null`, 'only be revoked'],
    [`insert into settings values ('k', 'text where bytes belong')`, 'cannot store TEXT'],
  ])('itself refuses: %s', async (statement, words) => {
    await using(await open(), (store) => store.write('system', 'x', (tx) => Promise.resolve(tx.note('a'))))
    change(
      file,
      `insert into reviews values ('r', 's', 'd', '{}', 'u', '{}', 'db', 'app', 't', '[]', null, '[]', 1, 2, 'open', null, '[]');
       insert into accessRequests values ('q', '{}', 'u', '{}', 'u', 'db', 'app', 1, 'r', null, 'f', '[]', null, 1, 2, 'open', '[]');
       insert into grants values ('g', 'q', '{}', 'u', '{}', 'u', 'db', 'app', '[]', '[]', 1, 2, null, null, null)`,
    )
    expect(() => change(file, statement.replace('$x', `'x'`))).toThrow(words)
  })
})

async function using<T>(store: Store, use: (store: Store) => Promise<T>): Promise<T> {
  await using _open = store
  return await use(store)
}

function change(file: string, statements: string): void {
  const database = new DatabaseSync(file)
  try {
    database.exec(statements)
  } finally {
    database.close()
  }
}

/** A program that has the store open, with a setting in it, until it is killed. */
function holder(file: string): string {
  return `
    const { openStore } = await import(${JSON.stringify(new URL('../store.ts', import.meta.url).href)})
    const store = await openStore({ file: ${JSON.stringify(file)}, clock: { now: () => 1 } })
    await store.write('system', 'x', (tx) => tx.settings.put('k', Uint8Array.of(7)))
    console.log('open')
    setInterval(() => {}, 1000)
  `
}

/** What migration 0009 has made, unmade. */
const withoutSshKeys = `
  drop index tokensBySshKey;
  alter table tokens drop column sshKey;
  drop table sshKeys;`

/** What migration 0017 has made, unmade. */
const withoutAuditFields = `
  alter table audit drop column kind;
  alter table audit drop column principal;
  alter table audit drop column actor;
  alter table audit drop column address;
  drop table auditReceivers;`

/** What migrations 0016 and 0017 have made, unmade. */
const withoutScim = `
  ${withoutAuditFields}
  alter table users drop column disabledBy;
  alter table users drop column groupsBy;
  drop table scimTokens;
  drop table scimUsers;
  drop table scimGroups;
  drop table scimMembers;`

/** What migration 0014 has made, unmade. */
const withoutDelegation = `
  drop index tokensByParent;
  drop index tokensByActorToken;
  alter table tokens drop column parent;
  alter table tokens drop column actorToken;
  alter table tokens drop column scope;
  alter table tokens drop column party;
  alter table tokens drop column mayAct;
  alter table sessions drop column token;`

/** What migrations 0008, 0010 to 0014 and 0018 have made, unmade. */
const withoutIssuers = `
  ${withoutDelegation}
  drop index oneUserEach;
  alter table users drop column issuer;
  alter table users drop column vouchedUntil;
  alter table users drop column subject;
  alter table users drop column claimedAt;
  alter table tokens drop column issuer;
  drop table issuers;
  alter table tokens drop column signIn;
  drop table signIns;
  drop table logoutTokens;
  drop table takenAnswers;
  drop table leases;`

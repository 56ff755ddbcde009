import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodingNamed, offered } from '../../packages/postgres/src/encoding/encodings.ts'
import { environmentOf, type Endpoint } from '../world/endpoint.ts'
import { availableFlavours, findClient } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { run } from '../world/process.ts'
import { bind, cstring, execute, message, parse, query, sync } from '../world/raw-messages.ts'
import { fieldsOf, RawPostgres, type RawFrame } from '../world/raw-postgres.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type Person,
  type Sallyport,
} from '../world/sallyport.ts'
import { soon } from '../world/soon.ts'
import { temporaryDirectory } from '../world/temporary.ts'

const fixture = `
create table words (id int primary key, word text, "größe" text, mail text);
insert into words values (1, 'Straße', 'geheim-ü', 'jörg@example.org'), (2, 'naïve', 'größer', null);
create function set_encoding(name text) returns text language plpgsql as
  $$ begin return set_config('client_encoding', name, false); end $$;
create function try_convert(bytes bytea, name text) returns text language plpgsql immutable as
  $$ begin return convert_from(bytes, name::name); exception when others then return null; end $$;
`

/** A statement as a client of that encoding sends it. */
const said = (text: string, encoding: string): Buffer =>
  message('Q', encodingNamed(encoding)!.encode(text), Buffer.from([0]))
const codes = (frames: readonly RawFrame[]) =>
  frames.filter(({ tag }) => tag === 'E').map((frame) => fieldsOf(frame)['C'])
const bytesOf = (frames: readonly RawFrame[]) =>
  Buffer.concat(frames.filter(({ tag }) => tag === 'D' || tag === 'd').map(({ body }) => body)).toString(
    'latin1',
  )

describe.each(availableFlavours())('%s PostgreSQL', (flavour) => {
  let server: Postgres
  let sallyport: Sallyport
  let open: Person
  let guarded: Person

  beforeAll(async () => {
    server = await startPostgres({ flavour, databases: ['shop'] })
    await server.query(fixture, 'shop')
    await server.query("create database latin template template0 encoding 'LATIN1' locale 'C'")
    await server.query(
      "create table words (word text); insert into words values ('Straße'); create table secrets (word text)",
      'latin',
    )
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declarePostgres(sallyport, server, {
      masking: {
        columns: { 'public.words.größe': 'pii.size', 'public.words.mail': 'pii.email' },
        detectors: ['email'],
        redactors: { 'pii.email': 'keep-domain' },
      },
    })
    await sallyport.apply(unrestricted, {
      kind: 'Policy',
      name: 'guarded',
      text: `permit (principal in Group::"guarded", action in [Action::"connect", Action::"read", Action::"session", Action::"transaction"], resource);\n`,
    })
    open = await sallyport.person('olga', ['unrestricted'])
    guarded = await sallyport.person('gustav', ['guarded'])
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const connect = (who: Person, parameters: Readonly<Record<string, string>> = {}, database = 'shop') =>
    RawPostgres.connect(sallyport.endpoint(who, 'orders-db', database), parameters)

  test('what the server converts is read as the server reads it, character by character', async () => {
    for (const name of offered) {
      const encoding = encodingNamed(name)
      if (encoding === undefined || name === 'UTF8') continue
      const isPaired = name.startsWith('EUC_')
      const leads = name === 'EUC_JP' ? ['\\x', '\\x8f'] : ['\\x']
      for (const lead of leads) {
        const sql = isPaired
          ? `select encode(b, 'hex') as hex, try_convert(b, '${name}') as text from (select '${lead}'::bytea || decode(lpad(to_hex(i * 256 + j), 4, '0'), 'hex') as b
             from generate_series(128, 255) i, generate_series(128, 255) j) pairs`
          : `select encode(b, 'hex') as hex, try_convert(b, '${name}') as text from (select decode(to_hex(i), 'hex') as b from generate_series(16, 255) i) bytes`
        const rows = (await server.query(sql, 'shop')) as { hex: string; text: string | null }[]
        const known = rows.filter(({ text }) => text !== null)
        expect(known.length).toBeGreaterThan(100)
        const read = known.map(({ hex }) => encoding.decode(Buffer.from(hex, 'hex')))
        expect(read).toEqual(known.map(({ text }) => text))
        const written = known.map(({ text }) => encoding.decode(encoding.encode(text!)))
        expect(written).toEqual(known.map(({ text }) => text))
      }
    }
  }, 180_000)

  test.skipIf(findClient('psql') === undefined).each([
    ['LATIN1', 'Größe é ÿ'],
    ['LATIN9', 'Größe € Š'],
    ['WIN1252', 'Größe € “a”'],
    ['LATIN2', 'Zażółć gęślą jaźń'],
    ['WIN1251', 'Съешь же ещё'],
    ['KOI8R', 'Съешь же ещё'],
    ['ISO_8859_7', 'Ξεσκεπάζω'],
    ['EUC_JP', '日本語のテスト、半角ｱ'],
    ['EUC_KR', '한국어 시험'],
    ['EUC_CN', '中文测试'],
  ])('psql in %s gets the bytes that a direct connection gives', async (name, words) => {
    const script = `\\set ON_ERROR_STOP 0
\\set VERBOSITY terse
show client_encoding;
select '${words}' as "${words}", length('${words}'), $q$${words}$q$;
select "${words}" from pg_class;
select * from nirgends where x = '${words}';
prepare "${words.slice(0, 8)}" as select $1 || '${words}'; execute "${words.slice(0, 8)}" ('${words}');
begin; declare c cursor for select '${words}'; fetch c; rollback;
copy (select '${words}', E'\\\\\\t') to stdout;
create temp table t (x text); copy t from stdin;
${words}
\\.
select * from t;
\\encoding UTF8
show client_encoding;
select 'x' || chr(233) || (select x from t);
\\encoding ${name}
select '${words}';
select chr(8364) || chr(1078) || chr(20013);
set client_encoding to nosuch;
discard all;
reset client_encoding;
reset all;
`
    await using place = await temporaryDirectory()
    const file = join(place.path, 'script')
    await writeFile(file, encodingNamed(name)!.encode(script))
    const say = async (to: Endpoint): Promise<string> => {
      const environment = { ...environmentOf(to), PGCLIENTENCODING: name }
      const { stderr } = await run(
        'psql',
        ['-X', '-f', file, '-L', join(place.path, 'log'), '-o', join(place.path, 'out')],
        { environment },
      )
      return `${(await readFile(join(place.path, 'out'))).toString('latin1')}${stderr.replace(/psql:[^:]*:/g, '')}`
    }
    const direct = await say(server.endpoint({ database: 'shop' }))
    const through = await say(sallyport.endpoint(open, 'orders-db', 'shop'))
    expect(through.replace(/sallyport: this client_encoding.*/, 'invalid value')).toBe(
      direct.replace(/invalid value for parameter "client_encoding".*/, 'invalid value'),
    )
    expect(direct).toContain(encodingNamed(name)!.encode(words).toString('latin1'))
  })

  describe('in LATIN1', () => {
    test('columns with names beside ASCII keep their tags, and masked values leave in LATIN1', async () => {
      await using client = await connect(guarded, { client_encoding: 'latin1' })
      client.send(said('select word, "größe", mail from words order by id', 'LATIN1'))
      const rows = bytesOf(await client.untilReady())
      expect(rows).toContain('Straße')
      expect(rows).toContain('****@example.org')
      expect(rows).not.toMatch(/geheim|größer|jörg/)
      client.send(said(`select upper("größe") || 'ä' from words`, 'LATIN1'))
      expect(codes(await client.untilReady())).toEqual(['42501'])
      client.send(said("select 'Grüße an jörg@example.org'", 'LATIN1'))
      const found = bytesOf(await client.untilReady())
      expect(found).toMatch(/Grüße an .*\*\*\*\*@example.org/)
      expect(found).not.toContain('rg@example')
      client.send(said('copy (select word, "größe", mail from words order by id) to stdout', 'LATIN1'))
      const copied = bytesOf(await client.untilReady())
      expect(copied).toContain('Straße\t****\t****@example.org')
      client.send(
        said(`copy (select word, 'Grüße an a@example.org' from words) to stdout (encoding 'UTF8')`, 'LATIN1'),
      )
      const other = Buffer.from(bytesOf(await client.untilReady()), 'latin1').toString('utf8')
      expect(other).toContain('Straße\tGrüße an ')
      expect(other).not.toContain('a@example.org')
    })

    test('binary rows and arrays are masked in it', async () => {
      await using client = await connect(guarded, { client_encoding: 'LATIN1' })
      const sql = `select word, array['Grüße', 'ü@example.org'], json_build_array('ß@example.org') from words`
      client.send(
        message('P', cstring(''), encodingNamed('LATIN1')!.encode(sql), Buffer.from([0, 0, 0])),
        bind([], { results: [1] }),
        execute(),
        sync(),
      )
      const rows = bytesOf(await client.untilReady())
      expect(rows).toContain('Straße')
      expect(rows).toContain('Grüße')
      expect(rows).toContain('****')
      expect(rows).not.toMatch(/[üß]@example/)
    })

    test('what was asked is recorded as text', async () => {
      {
        await using client = await connect(open, { client_encoding: 'LATIN1' })
        client.send(said("select 'aus Zürich'", 'LATIN1'))
        expect(bytesOf(await client.untilReady())).toContain('aus Zürich')
      }
      const sessions = sallyport.admin.client.sessions
      await soon(async () => {
        const texts: string[] = []
        const { items } = await sessions.list({ user: 'olga', limit: 100 })
        for (const { id } of items)
          for await (const event of sessions.events({ id })) texts.push(JSON.stringify(event))
        return texts.find((text) => text.includes("select 'aus Zürich'"))
      })
    })
  })

  describe('nobody hides a statement in an encoding', () => {
    test.each([
      'SJIS',
      'BIG5',
      'GBK',
      'GB18030',
      'UHC',
      'JOHAB',
      'SHIFT_JIS_2004',
      'EUC_TW',
      'MULE_INTERNAL',
    ])('%s is refused at log-in and in the session', async (name) => {
      await expect(connect(open, { client_encoding: name })).rejects.toThrow(/client encoding .* not offered/)
      await using client = await connect(open)
      client.send(query(`set client_encoding to '${name}'`), query('show client_encoding'))
      const frames = await client.untilReady(2)
      expect(codes(frames)).toEqual(['0A000'])
      expect(bytesOf(frames)).toContain('UTF8')
    })

    test.each([
      ['a lead byte before a quote', 'EUC_JP', "select '\x8f', word from words --'"],
      ['half a character before a quote', 'EUC_JP', "select '\xa4', word from words --'"],
      ['half a character at the end', 'EUC_KR', 'select 1 \xb0'],
      ['UTF-8 that is not', 'UTF8', "select '\xe3', word from words --'"],
      ['a byte without a character', 'WIN1252', "select '\x81'"],
    ])('%s is refused, and reaches nothing', async (_, name, text) => {
      await using client = await connect(open, { client_encoding: name })
      client.send(message('Q', Buffer.from(text, 'latin1'), Buffer.from([0])))
      const frames = await client.untilReady()
      expect(codes(frames)).toEqual(['42601'])
      client.send(message('P', cstring(''), Buffer.from(text, 'latin1'), Buffer.from([0, 0, 0])), sync())
      expect(codes(await client.untilReady())).toEqual(['42601'])
    })

    test.each([
      ['in a transaction', [query('begin'), query("set client_encoding to 'LATIN1'"), query('commit')]],
      ['for a transaction', [query("set local client_encoding to 'LATIN1'")]],
      ['beside others', [query("set client_encoding to 'LATIN1'; select word from words")]],
      ['behind one that is not answered', [query('select pg_sleep(0.1)'), query("set names 'LATIN1'")]],
      ['by a bound statement', [parse("set client_encoding to 'LATIN1'"), bind(), execute(), sync()]],
      ['by set_config', [query("select set_config('client_encoding', 'LATIN1', false)")]],
    ])('it is not changed %s', async (_, batch) => {
      await using client = await connect(open)
      client.send(...batch)
      const frames = await client.untilReady(batch.length === 4 ? 1 : batch.length)
      expect(codes(frames)).toEqual(['0A000'])
      client.send(query('show client_encoding'))
      expect(bytesOf(await client.untilReady())).toContain('UTF8')
    })

    test('text beside ASCII behind a change that is not answered ends the session', async () => {
      await using client = await connect(open)
      client.send(query("set client_encoding to 'LATIN1'"), query("select 'ü'"))
      expect(codes(await client.untilOver())).toContain('0A000')
    })

    test('a change by a function ends the session', async () => {
      await using client = await connect(open)
      client.send(query("select set_encoding('SJIS')"))
      expect(codes(await client.untilOver())).toContain('0A000')
    })

    const call = "select set_encoding('UTF8')"
    test.each([
      ['in a text of its own', [query(call), query("select 'ü'")], 2],
      ['in the same segment', [parse(call), bind(), execute(), parse("select 'ü'"), sync()], 1],
      ['in the next segment', [parse(call), bind(), execute(), sync(), parse("select 'ü'"), sync()], 2],
    ])(
      'text beside ASCII behind a call that may change it is refused until the answer: %s',
      async (_, batch, segments) => {
        await using client = await connect(open)
        client.send(...batch)
        expect(codes(await client.untilReady(segments))).toEqual(['0A000'])
        client.send(query("select 'ü'"))
        expect(bytesOf(await client.untilReady())).toContain(Buffer.from('ü').toString('latin1'))
      },
    )

    test('ASCII behind such a call waits for nothing', async () => {
      await using client = await connect(open)
      client.send(query(call), parse("select 'u'"), bind(), execute(), sync())
      const frames = await client.untilReady(2)
      expect(codes(frames)).toEqual([])
      expect(bytesOf(frames)).toContain('u')
    })

    test('a change alone is followed, and taken back by RESET', async () => {
      await using client = await connect(guarded)
      client.send(query("set client_encoding to 'iso-8859-1'"))
      await client.untilReady()
      client.send(said('select "größe" from words', 'LATIN1'))
      const rows = bytesOf(await client.untilReady())
      expect(rows).toContain('****')
      expect(rows).not.toMatch(/geheim/)
      client.send(query('reset client_encoding'))
      await client.untilReady()
      client.send(query("select 'Straße'"))
      expect(bytesOf(await client.untilReady())).toContain(Buffer.from('Straße').toString('latin1'))
    })
  })

  describe('a database in LATIN1', () => {
    test('is spoken to in UTF8, in LATIN1, and as it is', async () => {
      for (const [asked, inWhat] of [
        ['UTF8', 'UTF8'],
        ['LATIN1', 'LATIN1'],
        ['SQL_ASCII', 'LATIN1'],
      ] as const) {
        await using client = await connect(open, { client_encoding: asked }, 'latin')
        client.send(said("select word from words where word = 'Straße'", inWhat))
        const expected = encodingNamed(inWhat)!.encode('Straße').toString('latin1')
        expect(bytesOf(await client.untilReady())).toContain(expected)
      }
      await expect(connect(open, { client_encoding: 'WIN1252' }, 'latin')).rejects.toThrow('client_encoding')
    })

    test('names that it would cut or fold elsewhere are refused', async () => {
      await using client = await connect(open, {}, 'latin')
      const long = 'é'.repeat(40)
      for (const sql of [
        `prepare "${long}a" as select * from secrets`,
        `select ${'Ä'} from words`,
        'select u&"\\00c4" from words',
      ]) {
        client.send(query(sql))
        expect(codes(await client.untilReady())).toEqual(['0A000'])
      }
      client.send(query(`select '${long}Ä' as "${'é'.repeat(31)}", 1 as größe`))
      expect(codes(await client.untilReady())).toEqual([])
    })
  })
})

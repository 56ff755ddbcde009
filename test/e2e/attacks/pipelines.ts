import { describe, expect, test } from 'vitest'
import {
  bind,
  copyData,
  copyDone,
  describePortal,
  execute,
  flush,
  parse,
  query,
  sync,
} from '../../world/raw-messages.ts'
import { fieldsOf, RawPostgres } from '../../world/raw-postgres.ts'
import type { Arena } from './arena.ts'
import { traceOf } from './attempts/traces.ts'

const secret = 'select upper(ssn) from app.customers'

export function byPipelines(arena: Arena): void {
  describe('by pipelines', () => {
    test('a portal stays what it was bound to, whatever the unnamed statement becomes', async () => {
      await using client = await arena.connect('analyst')
      client.send(
        parse('select 1'),
        bind([], { portal: 'pp' }),
        parse(secret),
        execute({ portal: 'pp' }),
        sync(),
      )
      const frames = await client.untilReady()
      expect(frames.filter(({ tag }) => tag === 'D').map(({ body }) => body.toString('latin1', 6))).toEqual([
        '1',
      ])
    })

    test.each<[string, Buffer[][]]>([
      [
        'a statement of PREPARE',
        [
          [query(`prepare sq as ${secret}`)],
          [bind([], { statement: 'sq' }), describePortal(), execute(), sync()],
        ],
      ],
      [
        'a cursor as a portal',
        [
          [query(`begin; declare cu cursor for ${secret}`)],
          [execute({ portal: 'cu' }), sync()],
          [query('commit')],
        ],
      ],
      [
        'a cursor of a function',
        [
          [query('begin; select app.rc()')],
          [execute({ portal: 'myrc', maxRows: 1 }), sync()],
          [query('rollback')],
        ],
      ],
      [
        'a FETCH of it',
        [[query('begin; select app.rc()')], [query('fetch all in myrc')], [query('rollback')]],
      ],
      [
        'rows a few at a time',
        [[parse(secret), bind(), execute({ maxRows: 1 }), execute({ maxRows: 2 }), execute(), sync()]],
      ],
      [
        'rows in parts as binary',
        [[parse(secret), bind([], { results: [1] }), execute({ maxRows: 2 }), execute(), sync()]],
      ],
      [
        'formats of each column',
        [
          [
            parse('select id, ssn, data from app.customers'),
            bind([], { results: [1, 0, 1] }),
            execute(),
            sync(),
          ],
        ],
      ],
      ['a Flush between', [[parse(secret), flush(), bind(), flush(), execute(), flush(), sync()]]],
      [
        'behind an error',
        [[parse('select 1/0'), bind(), execute(), parse(secret), bind(), execute(), sync(), query(secret)]],
      ],
      ['a COPY in the extended protocol', [[parse(`copy (${secret}) to stdout`), bind(), execute(), sync()]]],
      [
        'a name parsed twice',
        [
          [
            parse('select 1', { name: 'n' }),
            parse(secret, { name: 'n' }),
            bind([], { statement: 'n' }),
            execute(),
            sync(),
          ],
        ],
      ],
      [
        'many portals of one statement',
        [
          [
            parse(secret, { name: 'm' }),
            bind([], { statement: 'm', portal: 'a' }),
            bind([], { statement: 'm', portal: 'b' }),
            execute({ portal: 'b' }),
            execute({ portal: 'a' }),
            sync(),
          ],
        ],
      ],
    ])('%s shows nothing', async (_, batches) => {
      await using client = await arena.connect('analyst')
      for (const batch of batches) {
        client.send(...batch)
        const ready = batch.filter((message) => message[0] === 0x51 || message[0] === 0x53).length
        expect(traceOf(await client.untilReady(ready))).toBeUndefined()
      }
    })

    test('a text that is not UTF-8 is refused before it is parsed', async () => {
      await using client = await arena.connect('analyst')
      const text = Buffer.concat([query('select '), Buffer.alloc(0)])
      const broken = Buffer.from(text.toString('latin1').replace('select ', 'select \u00ff\u00fe'), 'latin1')
      broken.writeInt32BE(broken.length - 1, 1)
      client.send(broken)
      const frames = await client.untilReady()
      expect(frames.map(({ tag }) => tag)).toEqual(['E', 'Z'])
      expect(fieldsOf(frames[0]!)['M']).toMatch(/^sallyport: /)
    })

    test('data with a line that once ended them are passed as they are', async () => {
      const rows = [
        query('create temp table lines (a text); copy lines from stdin (format csv)'),
        copyData('1\n'),
        copyData('\\.\n'),
        copyData('2\n'),
        copyDone(),
        query('select count(*) from lines'),
      ]
      const answers = async (client: RawPostgres) => {
        client.send(...rows)
        return (await client.untilReady(2)).map(({ tag, body }) => `${tag} ${body.toString('latin1')}`)
      }
      await using direct = await RawPostgres.connect(arena.server.endpoint({ database: 'shop' }))
      await using through = await arena.connect('analyst')
      expect(await answers(through)).toEqual(await answers(direct))
    })
  })

  describe('by passwords that are not tokens of ours', () => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { sub: 'dba', name: 'dba', groups: ['dba', 'administrators'], exp: 4_102_444_800 }
    const unsigned = `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`

    test.each([
      ['a JWT without a signature', unsigned],
      [
        'a JWT for another audience',
        `${part({ alg: 'RS256', kid: 'new' })}.${part({ ...claims, aud: ['us', 'them'], azp: 'them' })}.c2ln`,
      ],
      [
        'an ID token',
        `${part({ alg: 'ES256', typ: 'JWT' })}.${part({ ...claims, token_use: 'id', nonce: 'n' })}.c2ln`,
      ],
      [
        'a JWT signed by its own key',
        `${part({ alg: 'HS256', jku: 'http://127.0.0.1/keys', jwk: {} })}.${part(claims)}.c2ln`,
      ],
      ['words of OAUTHBEARER', `n,a=root,\x01auth=Bearer ${unsigned}\x01auth=Bearer x\x01\x01`],
      ['a token and more', 'TOKEN '],
      ['a token cut short', 'TOKEN-1'],
      ['a token in other letters', 'TOKEN^'],
    ])('%s lets nobody in', async (_, secret) => {
      const { token } = arena.person('analyst')
      const password = secret
        .replace('TOKEN-1', token.slice(0, -1))
        .replace('TOKEN^', token.toUpperCase())
        .replace('TOKEN', token)
      const endpoint = arena.sallyport.endpoint(arena.person('analyst'), 'orders-db', 'shop')
      await expect(RawPostgres.connect({ ...endpoint, password })).rejects.toThrow(/^28P01 sallyport: /)
    })
  })
}

import { describe, expect, test } from 'vitest'
import {
  bind,
  execute,
  flush,
  functionCall,
  int16,
  int32,
  message,
  parse,
  query,
  sync,
} from '../../world/raw-messages.ts'
import { clear, codes, masked, reader, update, writer, type Batch, type Ground } from './ground.ts'

/** What psql and drivers say when they read a large object. */
const forReading = '262144'
const open = functionCall(952, ['4711', forReading])
const read = functionCall(954, ['0', '1000'], { result: 0 })
const readBinary = functionCall(954, [int32(0), int32(1000)], { formats: [1], result: 1 })
const get = functionCall(3458, ['4711'], { result: 1 })
const getPart = functionCall(3459, ['4711', '0', '1000'])

export function byFunctionCalls({ attack, connect, isChanged, shown }: Ground): void {
  describe('by function calls', () => {
    test.each<[string, Batch[]]>([
      ['loread', [[query('begin')], [open], [read], [readBinary]]],
      ['all of it in one pipeline', [[query('begin'), open, read, readBinary]]],
      ['lo_get', [[get], [getPart]]],
      ['a call behind a portal', [[parse(clear), bind(), execute(), get, sync()]]],
      ['a call behind a Flush', [[query('begin')], [open], [parse(clear), bind(), flush(), read, sync()]]],
    ])('a large object that may hold what is masked shows nothing by %s', async (_, batches) => {
      expect(await shown(reader, ...batches)).toBeUndefined()
    })

    test('its result is what a statement shows: nothing', async () => {
      const results = (await attack(reader, [get], [getPart], [query('begin'), open], [read], [readBinary]))
        .filter(({ tag }) => tag === 'V')
        .map(({ body }) => body.readInt32BE(0))
      expect(results).toEqual([-1, -1, 1, -1, -1])
      const [row] = (await attack(reader, [query('select lo_get(4711)')])).filter(({ tag }) => tag === 'D')
      expect(row?.body).toEqual(Buffer.concat([int16(1), int32(-1)]))
    })

    test.each([
      ['pg_read_file', 3826, ['postgresql.conf']],
      ['pg_read_binary_file', 3828, ['postgresql.conf']],
      ['pg_ls_dir', 2625, ['.']],
      ['pg_terminate_backend', 2096, ['1', '0']],
      ['set_config', 2078, ['search_path', 'mine', 'f']],
      ['query_to_xml', 2924, ['select * from app.customers', 't', 'f', '']],
      ['upper', 871, ['x']],
      ['no function', 0, []],
      ['an OID of users', 16_400, ['1']],
      ['the last OID', 0xffff_ffff, []],
    ])('%s is not reached by its OID', async (_, oid, values) => {
      await using client = await connect()
      client.send(functionCall(oid, values))
      const frames = await client.untilReady()
      expect(frames.map(({ tag }) => tag)).toEqual(['E', 'Z'])
      expect(codes(frames)).toEqual(['0A000'])
      expect(frames.at(-1)?.body.toString()).toBe('I')
    })

    test.each([
      ['lo_export', 765, ['4711', '/tmp/exported']],
      ['lo_import', 764, ['/etc/hostname']],
      ['lo_create', 715, ['4712']],
      ['lo_unlink', 964, ['4711']],
      ['lo_put', 3460, ['4711', '0', 'x']],
      ['lowrite', 955, ['0', 'x']],
      ['lo_truncate', 1004, ['0', '0']],
    ])('%s is denied to who may not use it in a statement', async (_, oid, values) => {
      for (const who of [reader, writer] as const) {
        await using client = await connect(who)
        client.send(query('begin'), functionCall(oid, values))
        const frames = await client.untilReady(2)
        expect(codes(frames)).toEqual(['42501'])
        expect(frames.at(-1)?.body.toString()).toBe('E')
      }
    })

    test('calls fail in a failed transaction, and do nothing', async () => {
      await using client = await connect()
      client.send(
        query('begin; select 1/0'),
        open,
        get,
        functionCall(3826, ['postgresql.conf']),
        query('rollback'),
      )
      const frames = await client.untilReady(5)
      expect(codes(frames)).toEqual(['22012', '25P02', '25P02', '0A000'])
      expect(masked(frames)).toBeUndefined()
      expect(frames.filter(({ tag }) => tag === 'Z').map(({ body }) => body.toString())).toEqual([
        'E',
        'E',
        'E',
        'E',
        'I',
      ])
    })

    test('calls behind an error and before its Sync do not happen, and nothing behind them moves', async () => {
      await using client = await connect()
      client.send(parse('selec'), open, get, query(update('behind')), sync(), query(clear))
      const frames = await client.untilReady(2)
      expect(frames.map(({ tag }) => tag)).toEqual(['E', 'Z', 'T', 'D', 'C', 'Z'])
      expect(await isChanged()).toBe(false)
    })

    test.each([
      ['an argument longer than its message', [int16(1), int32(0x7fff_ffff), query(update('behind'))]],
      ['a negative length', [int16(1), int32(-2), int16(0)]],
      ['fewer arguments than it tells', [int16(0xffff), int32(1), Buffer.from('1'), int16(0)]],
      ['bytes behind its end', [int16(0), int16(0), query(update('behind'))]],
    ])('a call with %s ends the session', async (_, rest) => {
      await using client = await connect()
      client.send(message('F', int32(952), int16(0), ...rest), query(update('after')), sync())
      expect(codes(await client.untilOver(10_000))).toEqual(['08P01'])
      expect(await isChanged()).toBe(false)
    })
  })
}

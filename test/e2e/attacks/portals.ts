import { describe, expect, test } from 'vitest'
import { bind, closePortal, describePortal, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { clear, secret, reader, type Batch, type Ground } from './ground.ts'

export function byPortals({ shown }: Ground): void {
  describe('by names of portals and cursors', () => {
    const clearPortal = (name: string): Batch => [
      parse(clear),
      bind([], { portal: name }),
      execute({ portal: name, maxRows: 0 }),
      sync(),
    ]
    const peek = (name: string): Batch => [execute({ portal: name }), sync()]

    test.each([
      ['CLOSE', 'begin', `close c; declare c cursor for ${secret}`],
      ['ROLLBACK TO', 'begin; savepoint s', `rollback to s; declare c cursor for ${secret}`],
    ])('a portal that gave way by %s to a cursor shows what the cursor may', async (_, begins, swaps) => {
      expect(
        await shown(reader, [query(begins)], clearPortal('c'), [query(swaps)], peek('c')),
      ).toBeUndefined()
      expect(
        await shown(reader, [query(begins)], clearPortal('c'), [query(swaps), ...peek('c')]),
      ).toBeUndefined()
      expect(
        await shown(reader, [query(begins)], clearPortal('c'), [query(swaps), query('fetch all in c')]),
      ).toBeUndefined()
    })

    test('a portal that gave way to the cursor of a function shows nothing', async () => {
      const opens = "close c; select app.open_cursor('c')"
      expect(
        await shown(reader, [query('begin')], clearPortal('c'), [query(opens)], peek('c')),
      ).toBeUndefined()
      expect(
        await shown(reader, [query('begin')], clearPortal('c'), [query(opens), ...peek('c')]),
      ).toBeUndefined()
    })

    test.each([
      ['COMMIT', "commit; begin; select app.open_cursor('c')"],
      ['ROLLBACK', "rollback; begin; select app.open_cursor('c')"],
      ['CLOSE', "close c; select app.open_cursor('c')"],
      ['a function', "select app.reopen_cursor('c')"],
    ])('a cursor that gave way by %s to that of a function shows nothing', async (_, swaps) => {
      const declares = `begin; declare c cursor for ${clear}`
      expect(
        await shown(reader, [query(declares)], [query(swaps)], [query('fetch all in c')]),
      ).toBeUndefined()
      expect(await shown(reader, [query(declares)], [query(swaps), query('fetch all in c')])).toBeUndefined()
      expect(await shown(reader, [query(`${declares}; ${swaps}; fetch all in c`)])).toBeUndefined()
      expect(
        await shown(
          reader,
          [query(declares)],
          [query(swaps)],
          [parse('fetch all in c'), bind(), execute(), sync()],
        ),
      ).toBeUndefined()
      expect(await shown(reader, [query(declares)], [query(swaps), ...peek('c')])).toBeUndefined()
    })

    test('a portal that a function closed and opened anew shows nothing', async () => {
      expect(
        await shown(
          reader,
          [query('begin')],
          clearPortal('c'),
          [query("select app.reopen_cursor('c')")],
          peek('c'),
        ),
      ).toBeUndefined()
    })

    test('a cursor that was held and taken back is no more', async () => {
      expect(
        await shown(
          reader,
          [query(`begin; declare c cursor with hold for ${clear}; rollback`)],
          [query("begin; select app.open_cursor('c')")],
          [query('fetch all in c')],
        ),
      ).toBeUndefined()
    })

    test('EXPLAIN ANALYZE of a DECLARE declares nothing', async () => {
      expect(
        await shown(reader, [
          query(
            `begin; declare c cursor for ${secret}; explain analyze declare c cursor for ${clear}; fetch all in c`,
          ),
        ]),
      ).toBeUndefined()
    })

    test('what a bound FETCH stands for cannot be changed before it runs', async () => {
      const declares = [query(`begin; declare c cursor for ${clear}`)]
      const binds = [parse('fetch all in c'), bind([], { portal: 'x' }), describePortal('x'), sync()]
      expect(
        await shown(
          reader,
          declares,
          binds,
          [query(`close c; declare c cursor for ${secret}`)],
          [execute({ portal: 'x' }), sync()],
        ),
      ).toBeUndefined()
      expect(
        await shown(reader, declares, binds, [
          query(`close c; declare c cursor for ${secret}`),
          execute({ portal: 'x' }),
          sync(),
        ]),
      ).toBeUndefined()
      expect(
        await shown(
          reader,
          declares,
          binds,
          [query("select app.reopen_cursor('c')")],
          [execute({ portal: 'x' }), sync()],
        ),
      ).toBeUndefined()
    })

    test('a cursor is judged by its name as the server cuts it', async () => {
      const name = 'c'.repeat(70)
      expect(
        await shown(
          reader,
          [query(`begin`)],
          clearPortal(name),
          [closePortal(`${name}else`), sync(), query(`declare ${name} cursor for ${secret}`)],
          peek(name),
        ),
      ).toBeUndefined()
    })

    test('portals that the server names itself show nothing', async () => {
      expect(
        await shown(
          reader,
          [query('begin; select app.open_cursor(null)')],
          [query('fetch all in "<unnamed portal 1>"')],
          [execute({ portal: '<unnamed portal 1>' }), sync()],
        ),
      ).toBeUndefined()
    })
  })
}

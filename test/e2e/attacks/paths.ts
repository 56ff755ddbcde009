import { describe, expect, test } from 'vitest'
import { bind, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { masked, reader, type Ground } from './ground.ts'

export function byPaths({ attack, shown, changes }: Ground): void {
  describe('by the search_path', () => {
    const deletes = 'delete from kept'
    const mine = 'set search_path to mine'

    test.each([
      `begin; ${mine}; rollback; ${deletes}`,
      `begin; set local search_path to mine; commit; ${deletes}`,
      `begin; savepoint s; ${mine}; rollback to s; ${deletes}`,
      `${mine}; rollback; ${deletes}`,
    ])('a path that is taken back in the same text is not believed: %s', async (sql) => {
      expect(await changes(reader, [query(sql)])).toBe(false)
    })

    test.each(['rollback', 'commit'])('nor where a %s is under way', async (ends) => {
      const sets = ends === 'commit' ? 'set local search_path to mine' : mine
      expect(await changes(reader, [query('begin'), query(sets)], [query(ends), query(deletes)])).toBe(false)
      expect(
        await changes(
          reader,
          [query('begin'), query(sets)],
          [parse(ends), bind(), execute(), parse(deletes), bind(), execute(), sync()],
        ),
      ).toBe(false)
    })

    test('nor where the text that set it fails later', async () => {
      const sets = `${mine}; select repeat('x', 100000), pg_sleep(0.2); select 1/0`
      expect(await changes(reader, [query(sets), query(deletes)])).toBe(false)
      expect(
        await changes(reader, [
          parse(mine),
          bind(),
          execute(),
          parse("select repeat('x', 100000), 1/(n-3) from generate_series(1, 5) n"),
          bind(),
          execute(),
          sync(),
          parse(deletes),
          bind(),
          execute(),
          sync(),
        ]),
      ).toBe(false)
    })

    test('nor where set_config did not come to run', async () => {
      expect(
        await changes(
          reader,
          [query("select set_config('search_path', 'mine', false) where false")],
          [query(deletes)],
        ),
      ).toBe(false)
      expect(
        await changes(
          reader,
          [query("select case when false then set_config('search_path', 'mine', false) end")],
          [query(deletes)],
        ),
      ).toBe(false)
      expect(
        await changes(reader, [
          query(`select set_config('search_path', 'mine', false) where false; ${deletes}`),
        ]),
      ).toBe(false)
    })

    test('a statement that looks up its names when it runs is not run under another path', async () => {
      for (const late of [
        'copy (select upper(ssn) from customers) to stdout',
        'explain analyze delete from kept',
      ]) {
        const binds = [parse(late, { name: 'late' }), bind([], { portal: 'x', statement: 'late' })]
        const frames = await attack(
          reader,
          [query(`begin; ${mine}`)],
          [...binds, sync()],
          [query('set search_path to app')],
          [execute({ portal: 'x' }), sync(), query('commit')],
        )
        expect(masked(frames)).toBeUndefined()
        expect(
          await shown(
            reader,
            [query(mine)],
            [...binds, parse('set search_path to app'), bind(), execute(), execute({ portal: 'x' }), sync()],
          ),
        ).toBeUndefined()
      }
    })
  })
}

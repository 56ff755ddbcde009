import { describe, expect, test } from 'vitest'
import { bind, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { reader, type Ground } from './ground.ts'

export function byChannels({ shown }: Ground): void {
  describe('by other channels than rows', () => {
    test.each([
      ['an error of its own making', 'select app.raise_ssn(1)'],
      ['the syntax error of a text that a function made', 'select app.quote_ssn(1)'],
      ['a notice', 'select app.notice_ssn(1)'],
      ['a plan', 'explain verbose select app.lasting_ssn(1)'],
      ['a plan that ran', 'explain (analyze, verbose) select 1 where app.lasting_ssn(1) is null'],
      ['a setting that is reported', "select set_config('application_name', app.ssn_of(1), false)"],
      [
        'a setting',
        "select set_config('my.own', app.ssn_of(1), false); show my.own; select current_setting('my.own')",
      ],
      ['a notification', "listen heard; select pg_notify('heard', app.ssn_of(1))"],
      [
        'a lock',
        "select pg_advisory_lock(substr(app.ssn_of(1), 8)::int); select '-00-000' || objid::text from pg_locks where locktype = 'advisory'",
      ],
      ['a condition', "select '900-00-' || '0001' where app.ssn_of(1) = '900-00-' || '0001'"],
      ['a cast that fails', 'select app.ssn_of(1)::int'],
      ['the text of a statement that runs', "select query from pg_stat_activity where query like '%never%'"],
    ])('a function shows nothing by %s', async (_, sql) => {
      expect(await shown(reader, [query(sql)])).toBeUndefined()
      expect(
        await shown(reader, [...sql.split('; ').flatMap((one) => [parse(one), bind(), execute()]), sync()]),
      ).toBeUndefined()
    })
  })
}

import { describe, expect, test } from 'vitest'
import { bind, closeStatement, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { fieldsOf } from '../../world/raw-postgres.ts'
import { update, codes, text, masked, reader, type Batch, type Ground } from './ground.ts'

export function byStatements({ attack, shown, changes, isChanged, connect }: Ground): void {
  describe('by names of statements', () => {
    test.each(['deallocate all', 'discard all'])(
      '%s leaves the unnamed statement, which is still judged when it is bound',
      async (forgets) => {
        const frames = await attack(reader, [
          parse(forgets, { name: 'forgets' }),
          parse(update('forgotten')),
          bind([], { statement: 'forgets' }),
          execute(),
          sync(),
          bind(),
          execute(),
          sync(),
        ])
        expect(codes(frames)).toContain('42501')
        expect(await isChanged()).toBe(false)
      },
    )

    test.each(['deallocate all', 'discard all'])('%s, answered, leaves it too', async (forgets) => {
      await using client = await connect()
      client.send(
        parse(forgets, { name: 'forgets' }),
        parse(update('forgotten')),
        bind([], { statement: 'forgets' }),
        execute(),
        sync(),
      )
      await client.untilReady()
      client.send(bind(), execute(), sync())
      expect(codes(await client.untilReady().catch(() => client.untilOver()))).toEqual(['42501'])
      expect(await isChanged()).toBe(false)
    })

    test('an unnamed statement that nobody made is missed in the words of the server', async () => {
      const frames = await attack(reader, [bind(), execute(), sync()])
      expect(fieldsOf(frames[0]!)).toMatchObject({
        C: '26000',
        M: 'unnamed prepared statement does not exist',
      })
    })

    test('a name that the server cuts is the name that it is cut to', async () => {
      const name = (end: string) => 'n'.repeat(63) + end
      const frames = await attack(
        reader,
        [parse('select 1', { name: name('1') }), sync()],
        [closeStatement(name('2')), parse(update('cut'), { name: name('3') }), sync()],
        [bind([], { statement: name('1') }), execute(), sync()],
      )
      expect(codes(frames)).toEqual(['42501'])
      expect(await isChanged()).toBe(false)
    })

    test('names that the server would cut inside a letter are not taken', async () => {
      const name = (end: string) => 'n'.repeat(62) + end
      expect(
        await changes(
          reader,
          [parse('select 1', { name: name('é') }), sync()],
          [parse(update('cut'), { name: name('Ġ') }), sync()],
          [bind([], { statement: name('Ġ') }), execute(), sync()],
        ),
      ).toBe(false)
    })

    test.each([
      ['fails', [query('prepare p as select 1')]],
      ['is bound and not executed', [parse('prepare p as select 1'), bind()]],
      ['is not judged to the end', [query('prepare p as select 1; reset search_path; select 1'), sync()]],
      ['is refused', [query('prepare p as select 1; truncate app.kept')]],
      ['names itself', [parse('prepare p as select 1', { name: 'q' }), query('execute q')]],
    ])('a name means what it meant where a PREPARE of it %s', async (_, attempt: Batch) => {
      expect(
        await changes(
          reader,
          [parse(update('prepared'), { name: 'p' }), sync()],
          [...attempt, bind([], { statement: 'p' }), execute(), sync()],
        ),
      ).toBe(false)
    })

    test('a name that is parsed twice before any answer is judged as both', async () => {
      const frames = await attack(reader, [
        parse(update('twice'), { name: 'p' }),
        sync(),
        parse('select 1', { name: 'p' }),
        sync(),
        bind([], { statement: 'p' }),
        execute(),
        sync(),
      ])
      expect(codes(frames)).toEqual(['42P05', '42501'])
      expect(await isChanged()).toBe(false)
    })

    test('what a bound EXECUTE stands for cannot be changed before it runs', async () => {
      expect(
        await changes(reader, [
          parse('select 1', { name: 'p' }),
          parse('execute p', { name: 'runs' }),
          bind([], { portal: 'x', statement: 'runs' }),
          closeStatement('p'),
          parse(update('swapped'), { name: 'p' }),
          execute({ portal: 'x' }),
          sync(),
        ]),
      ).toBe(false)
    })

    test('nor by SQL', async () => {
      expect(
        await changes(
          reader,
          [query('begin'), parse('select 1', { name: 'p' }), parse('execute p', { name: 'runs' }), sync()],
          [bind([], { portal: 'x', statement: 'runs' }), sync()],
          [query('deallocate p'), parse(update('swapped'), { name: 'p' }), sync()],
          [execute({ portal: 'x' }), query('commit')],
        ),
      ).toBe(false)
    })

    test('nor under the name of a portal that may be another', async () => {
      expect(
        await changes(
          reader,
          [query('begin'), parse('select 1', { name: 'p' }), parse('execute p', { name: 'runs' }), sync()],
          [bind([], { portal: 'x', statement: 'runs' }), query('savepoint s'), sync()],
          [
            parse('select 1', { name: 'other' }),
            bind([], { portal: 'x', statement: 'other' }),
            sync(),
            query('rollback to s; deallocate p'),
            parse(update('swapped'), { name: 'p' }),
            execute({ portal: 'x' }),
            sync(),
            query('commit'),
          ],
        ),
      ).toBe(false)
    })

    test('a statement that executes itself is refused, and the session goes on', async () => {
      const frames = await attack(
        reader,
        [parse('execute p', { name: 'p' }), bind([], { statement: 'p' }), execute(), sync()],
        [query("select 'alive'")],
      )
      expect(text(frames)).toContain('alive')
    })

    test('EXECUTE means what the search_path of its time makes of the text', async () => {
      const frames = await attack(
        reader,
        [query('set search_path to mine')],
        [query('prepare p as delete from kept; prepare s as select upper(ssn) from customers')],
        [query('set search_path to app')],
        [query('execute p')],
        [query('execute s')],
      )
      expect(masked(frames)).toBeUndefined()
      expect(await isChanged()).toBe(false)
    })

    test('EXECUTE shows nothing of what its parameters were computed from', async () => {
      expect(
        await shown(
          reader,
          [query('prepare p(text) as select $1')],
          [query('execute p(app.ssn_of(1))')],
          [query('explain execute p(app.ssn_of(1))')],
          [query('explain (verbose, analyze) execute p(app.ssn_of(1))')],
        ),
      ).toBeUndefined()
    })

    test('error texts about names do not tell the word that stands for refusals', async () => {
      const frames = await attack(reader, [bind([], { statement: "x$&$'$`y" }), sync()])
      expect(fieldsOf(frames[0]!)['M']).toBe(`prepared statement "x$&$'$\`y" does not exist`)
    })
  })
}

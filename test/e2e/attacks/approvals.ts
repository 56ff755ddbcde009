import { afterEach, describe, expect, test } from 'vitest'
import { bind, cancelRequest, closeStatement, execute, parse, query, sync } from '../../world/raw-messages.ts'
import { openStream, RawPostgres, wordsOf, type RawFrame } from '../../world/raw-postgres.ts'
import { soon } from '../../world/soon.ts'
import type { Arena } from './arena.ts'

const count = (id: number | string) => `update app.counted set n = n + 1 where id = ${id}`
const counting = parse(count('$1::int'), { name: 's' })
const running = (id: number) => [bind([String(id)], { statement: 's' }), execute(), sync()]

export function byApprovals(arena: Arena): void {
  const reviews = () => arena.person('dba').client.reviews
  const openReview = (): Promise<{ id: string; text: string; parameters: readonly unknown[] }> =>
    soon(async () => (await reviews().list({ state: 'open' })).items[0])
  const approve = async (): Promise<void> => void (await reviews().approve({ id: (await openReview()).id }))
  const refusal = (frames: readonly RawFrame[]) => {
    const error = frames.find(({ tag }) => tag === 'E')
    return error && wordsOf(error)
  }
  const counted = async () =>
    Object.fromEntries(
      (await arena.query('select id, n from app.counted where n > 0')).map(({ id, n }) => [id, n]),
    )

  describe('by approvals', () => {
    afterEach(async () => {
      await arena.query('update app.counted set n = 0')
      for (const { id } of (await reviews().list({ state: 'open' })).items) await reviews().deny({ id })
    })

    test('a parameter that is swapped needs an approval of its own', async () => {
      await using client = await arena.connect('developer')
      client.send(counting, ...running(1))
      await approve()
      await client.untilReady()
      client.send(...running(2))
      const other = await openReview()
      expect(other.parameters).toEqual(['2'])
      await reviews().deny({ id: other.id })
      expect(refusal(await client.untilReady())).toMatch(/sallyport: /)
      expect(await counted()).toEqual({ 1: 1 })
    })

    test.each([
      ['the same again', count(3)],
      ['the same with a comment', `${count(3)} -- approved`],
      ['the same with a space', `${count(3)} `],
      ['the same in a text of two', `${count(3)}; ${count(3)}`],
    ])('an approval serves once: %s waits for another', async (_, again) => {
      await using client = await arena.connect('developer')
      client.send(query(count(3)))
      await approve()
      await client.untilReady()
      client.send(query(again))
      await reviews().deny({ id: (await openReview()).id })
      await client.untilReady()
      expect(await counted()).toEqual({ 3: 1 })
    })

    test('it serves in its session alone', async () => {
      await using client = await arena.connect('developer')
      await using other = await arena.connect('developer')
      client.send(query(count(4)))
      const { id } = await openReview()
      other.send(query(count(4)))
      await soon(async () =>
        (await reviews().list({ state: 'open' })).items.length === 2 ? true : undefined,
      )
      await reviews().approve({ id })
      await client.untilReady()
      expect(await counted()).toEqual({ 4: 1 })
      expect((await reviews().list({ state: 'open' })).items).toHaveLength(1)
    })

    test('what is sent behind a held statement cannot change it', async () => {
      await using client = await arena.connect('developer')
      client.send(counting, ...running(5))
      client.send(
        closeStatement('s'),
        parse('update app.counted set n = n + 100 where id = $1::int', { name: 's' }),
        ...running(6),
      )
      const first = await openReview()
      expect(first.text).toBe(count('$1::int'))
      await reviews().approve({ id: first.id })
      await client.untilReady()
      const second = await openReview()
      expect(second.text).toContain('n + 100')
      await reviews().deny({ id: second.id })
      await client.untilReady()
      expect(await counted()).toEqual({ 5: 1 })
    })

    test('a name parsed anew after the approval is another statement', async () => {
      await using client = await arena.connect('developer')
      client.send(counting, ...running(7))
      await approve()
      await client.untilReady()
      client.send(
        closeStatement('s'),
        parse('delete from app.counted where id <> $1::int', { name: 's' }),
        ...running(7),
      )
      const { id, text } = await openReview()
      expect(text).toContain('delete')
      await reviews().deny({ id })
      await client.untilReady()
      expect(await counted()).toEqual({ 7: 1 })
    })

    test.each([
      [
        'the body of a function',
        'select app.cleanup(1)',
        "create or replace function app.cleanup(int) returns int language sql as 'update app.counted set n = 99 returning n'",
        "create or replace function app.cleanup(int) returns int language sql as 'select $1'",
      ],
      [
        'what that function calls',
        'select app.nested()',
        "create or replace function app.purge_sql() returns void language sql as 'update app.counted set n = 99'",
        "create or replace function app.purge_sql() returns void language sql as 'delete from app.other'",
      ],
      [
        'what a function calls that changes nothing by itself',
        'select app.purge_stably()',
        'create or replace function app.purge() returns void language plpgsql as $$ begin update app.counted set n = 99; end $$',
        'create or replace function app.purge() returns void language plpgsql as $$ begin delete from app.other; end $$',
      ],
      [
        'what a function may call that is not looked into',
        'select app.purge_unseen()',
        'create or replace function app.purge() returns void language plpgsql as $$ begin update app.counted set n = 99; end $$',
        'create or replace function app.purge() returns void language plpgsql as $$ begin delete from app.other; end $$',
      ],
      [
        'what an operator runs',
        'select 1 operator(app.!!!) 2',
        'create or replace function app.purge_by(int, int) returns bool language plpgsql as $$ begin update app.counted set n = 99; return true; end $$',
        'create or replace function app.purge_by(int, int) returns bool language plpgsql as $$ begin delete from app.other; return true; end $$',
      ],
      [
        'a setting by which a function runs',
        'select app.count_one()',
        'alter function app.count_one() set search_path = elsewhere',
        'alter function app.count_one() reset search_path',
      ],
      [
        'whose rights a function has',
        'select app.count_one()',
        'alter function app.count_one() security definer',
        'alter function app.count_one() security invoker',
      ],
      [
        'the table in the body of a function',
        'select app.count_one()',
        'alter table app.counted rename to counted_before; create table app.counted (id int primary key, n int)',
        'drop table app.counted; alter table app.counted_before rename to counted',
      ],
      [
        'the table of that name',
        count(8),
        'alter table app.counted rename to counted_before; create table app.counted (id int primary key, n int)',
        'drop table app.counted; alter table app.counted_before rename to counted',
      ],
      [
        'the meaning of a column',
        count(9),
        'alter table app.counted rename n to m; alter table app.counted add n int',
        'alter table app.counted drop n; alter table app.counted rename m to n',
      ],
    ])('an approval is void where %s was changed meanwhile', async (_, sql, changes, undoes) => {
      await using client = await arena.connect('developer')
      client.send(query(sql))
      const { id } = await openReview()
      await arena.query(changes)
      await reviews().approve({ id })
      const frames = await client.untilReady()
      await arena.query(undoes)
      expect(refusal(frames)).toMatch(/sallyport: it is not what was approved/)
      expect(await counted()).toEqual({})
    })

    test.each([
      [
        'a function that its own does not call',
        'create function app.unrelated() returns int language sql as $$ select 1 $$',
      ],
      ['the rows of the table that its own changes', 'update app.other set note = note'],
    ])('an approval stands where %s came meanwhile', async (_, changes) => {
      await using client = await arena.connect('developer')
      client.send(query('select app.count_one()'))
      const { id } = await openReview()
      await arena.query(changes)
      await reviews().approve({ id })
      expect(refusal(await client.untilReady())).toBeUndefined()
      await arena.query('drop function if exists app.unrelated()')
      expect(await counted()).toEqual({ 14: 1 })
    })

    test('a client that left is not served by an approval that comes later', async () => {
      const client = await arena.connect('developer')
      client.send(query(count(10)))
      const { id } = await openReview()
      client.destroy()
      await soon(async () => ((await reviews().get({ id })).state === 'withdrawn' ? true : undefined))
      await expect(reviews().approve({ id })).rejects.toMatchObject({ status: 409 })
      expect(await counted()).toEqual({})
    })

    test('nor one that took it back', async () => {
      await using client = await arena.connect('developer')
      client.send(query(count(11)))
      const { id } = await openReview()
      const { trust: _trust, ...plain } = arena.sallyport.endpoint(
        arena.person('developer'),
        'orders-db',
        'shop',
      )
      const other = new RawPostgres(await openStream(plain))
      other.send(cancelRequest(client.cancelKey))
      expect(refusal(await client.untilReady())).toMatch(/^57014 /)
      await expect(reviews().approve({ id })).rejects.toMatchObject({ status: 409 })
      expect(await counted()).toEqual({})
    })

    test('answers that come at once let it run once', async () => {
      await using client = await arena.connect('developer')
      client.send(query(count(12)))
      const { id } = await openReview()
      const answers = await Promise.allSettled(Array.from({ length: 8 }, () => reviews().approve({ id })))
      await client.untilReady()
      expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
      expect(await counted()).toEqual({ 12: 1 })
    })

    test('nobody approves what they asked, from another session or by another group', async () => {
      await using client = await arena.connect('both')
      client.send(query(count(13)))
      const { id } = await openReview()
      const own = arena.person('both')
      await expect(own.client.reviews.approve({ id })).rejects.toMatchObject({ status: 403 })
      const again = await arena.sallyport.signIn(own)
      await expect(again.client.reviews.approve({ id })).rejects.toMatchObject({ status: 403 })
      expect(await counted()).toEqual({})
    })
  })
}

import { CompiledQuery } from 'kysely'
import { Fault } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { GroupedWrites } from './grouped-writes.ts'

const named = (text: string) => CompiledQuery.raw(text)

/** What was committed together, in order; a text that begins with `bad` is at fault. */
function recorder(): { readonly groups: string[][]; readonly writes: GroupedWrites; full: boolean } {
  const groups: string[][] = []
  const at = {
    groups,
    full: false,
    writes: new GroupedWrites(async (queries) => {
      const texts = queries.map((query) => query.sql)
      groups.push(texts)
      await new Promise((resolve) => setTimeout(resolve, 2))
      if (at.full) throw new Fault('gateway/store-unavailable', 'full')
      if (texts.some((text) => text.startsWith('bad'))) throw new Error('constraint')
      return texts.map((text) => BigInt(text.length))
    }),
  }
  return at
}

describe('writes at the same time', () => {
  test('are one commit, and those that come during it the next', async () => {
    const { groups, writes } = recorder()
    const first = [writes.add(named('a')), writes.add(named('bb'))]
    await first[0]
    const second = [writes.add(named('c')), writes.add(named('d'))]
    expect(await Promise.all([...first, ...second])).toEqual([1n, 2n, 1n, 1n])
    expect(groups).toEqual([
      ['a', 'bb'],
      ['c', 'd'],
    ])
  })

  test('do not fail with one of them that is at fault', async () => {
    const { groups, writes } = recorder()
    const all = await Promise.allSettled(['a', 'bad', 'c'].map((text) => writes.add(named(text))))
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(groups.length).toBe(4)
  })

  test('all fail where the store cannot be written, without trying each by itself, and later ones are tried', async () => {
    const at = recorder()
    at.full = true
    const all = await Promise.allSettled(['a', 'b'].map((text) => at.writes.add(named(text))))
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(at.groups.length).toBe(1)
    at.full = false
    expect(await at.writes.add(named('c'))).toBe(1n)
  })

  test('are bounded in number, and waited for at the end', async () => {
    const { groups, writes } = recorder()
    for (let i = 0; i < 600; i++) void writes.add(named(String(i)))
    await writes[Symbol.asyncDispose]()
    expect(groups.map(({ length }) => length)).toEqual([256, 256, 88])
  })
})

import { describe, expect, test } from 'vitest'
import { Random } from '../../fuzz/random.ts'
import { query } from '../../world/raw-messages.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import type { Arena } from './arena.ts'
import { traceOf } from './attempts/traces.ts'
import { Queries } from './queries.ts'

const rounds = 300

export function byGenerated(arena: Arena): void {
  describe('by queries that nobody wrote', () => {
    test.each(['orders-db', 'lenient-db'])(
      `none of ${rounds} shows what is masked through %s`,
      async (resource) => {
        const queries = new Queries(new Random(785))
        const endpoint = arena.sallyport.endpoint(arena.person('analyst'), resource, 'shop')
        await using direct = await RawPostgres.connect(arena.server.endpoint({ database: 'shop' }))
        await using client = await RawPostgres.connect(endpoint)
        let telling = 0
        let answered = 0
        for (let round = 0; round < rounds; round++) {
          const sql = queries.statement()
          const all = async (who: RawPostgres) => {
            who.send(query(sql), query('rollback'), query('deallocate all'))
            return await who.untilReady(3)
          }
          if (traceOf(await all(direct)) !== undefined) telling++
          const frames = await all(client)
          if (!frames.some(({ tag }) => tag === 'E')) answered++
          expect({ sql, shown: traceOf(frames) }).toEqual({ sql, shown: undefined })
        }
        // Most of them would tell, and not all are merely refused.
        expect(telling).toBeGreaterThan(rounds / 2)
        expect(answered).toBeGreaterThan(rounds / 10)
      },
    )
  })
}

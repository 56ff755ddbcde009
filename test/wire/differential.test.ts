import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { availableFlavours } from '../world/postgres-binaries.ts'
import { startPostgres, type Postgres } from '../world/postgres.ts'
import { startTwoHopRelay, through } from '../world/relay.ts'
import { loadSampleShop } from '../world/sample-shop/load.ts'
import { differential, simple } from './differential.ts'
import { scripts, stepCount } from './scripts.ts'

describe.each(availableFlavours())('the differential harness on %s PostgreSQL', (flavour) => {
  let server: Postgres

  beforeAll(async () => {
    server = await startPostgres({ flavour, databases: ['shop'] })
    await loadSampleShop(server.url({ database: 'shop' }))
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('gets the same bytes twice from the same server', async () => {
    expect(stepCount).toBeGreaterThan(400)
    expect(await differential(server, 'shop', server.endpoint({ database: 'twin' }), scripts)).toEqual([])
  })

  test('gets the same bytes through a relay that only copies', async () => {
    await using relay = await startTwoHopRelay(server.port)
    const proxied = through(relay.port, server.endpoint({ database: 'twin' }))
    expect(await differential(server, 'shop', proxied, scripts)).toEqual([])
  })

  test('sees one changed byte', async () => {
    const proxied = server.endpoint({ database: 'twin' })
    let round = 0
    const drifting = {
      name: 'drifting',
      steps: [
        simple('SELECT 1'),
        {
          ...simple(''),
          get send() {
            return simple(`SELECT ${++round}`).send
          },
        },
      ],
    }
    const found = await differential(server, 'shop', proxied, [drifting])
    expect(found).toMatchObject([{ script: 'drifting', step: 2 }])
  })
})

import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { environmentOf, urlOf } from '../../world/endpoint.ts'
import { clientPath } from '../../world/postgres-binaries.ts'
import { mustRun } from '../../world/process.ts'
import { expectThat, type Visit } from './visit.ts'

const psql: Visit = {
  name: 'psql',
  everyMs: 4000,
  atOnce: 2,
  needs: 'psql',
  async run({ ground }) {
    const said = await mustRun(
      clientPath('psql'),
      [
        '-XAtq',
        '-v',
        'ON_ERROR_STOP=1',
        '-c',
        '\\d orders',
        '-c',
        'select count(*) from orders',
        '-c',
        'select 42',
      ],
      { environment: environmentOf(ground.endpoint('worker')) },
    )
    expectThat(said.trimEnd().endsWith('42'), 'what psql shows', said.slice(-100))
  },
}

/** In by one COPY, out by another. */
const copies: Visit = {
  name: 'COPY both ways',
  everyMs: 5000,
  atOnce: 2,
  needs: 'psql',
  async run({ ground, random, acknowledged }) {
    const who = randomUUID()
    const rows = 200 + Math.floor(random() * 4000)
    const file = join(ground.directory, who)
    await writeFile(file, `${who}\n`.repeat(rows))
    try {
      const said = await mustRun(
        clientPath('psql'),
        [
          '-XAtq',
          '-v',
          'ON_ERROR_STOP=1',
          '-c',
          `\\copy ledger (who) from '${file}'`,
          '-c',
          `\\copy (select who from ledger where who = '${who}') to stdout`,
        ],
        { environment: environmentOf(ground.endpoint('worker')) },
      )
      const back = said.trimEnd().split('\n').length
      expectThat(back === rows, `${rows} rows back`, back)
      acknowledged(rows)
    } finally {
      await rm(file, { force: true })
    }
  },
}

/** A program: transactions, parameters, and rows that it is told are committed. */
const driver: Visit = {
  name: 'pg driver',
  everyMs: 1000,
  atOnce: 5,
  async run({ ground, random, acknowledged }) {
    const client = new pg.Client({ connectionString: urlOf(ground.endpoint('worker')) })
    client.on('error', () => {}) // told by the query that it breaks
    await client.connect()
    try {
      for (let round = 0; round < 5; round++) {
        await client.query('begin')
        await client.query('insert into ledger (who) values ($1)', [`driver-${random()}`])
        const { rows } = await client.query<{ n: string }>(
          'select count(*) as n from order_items where order_id < $1',
          [Math.floor(random() * 100)],
        )
        expectThat(rows.length === 1, 'one row', rows)
        await client.query(random() < 0.2 ? 'rollback' : 'commit').then(({ command }) => {
          if (command === 'COMMIT') acknowledged(1)
        })
      }
    } finally {
      await client.end().catch(() => {})
    }
  },
}

const pgbench: Visit = {
  name: 'pgbench',
  everyMs: 12_000,
  atOnce: 1,
  needs: 'pgbench',
  async run({ ground, random }) {
    const protocol = random() < 0.5 ? 'prepared' : 'simple'
    const flags = `-n -c 2 -j 1 -T 8 --rate=60 -M ${protocol}`.split(' ')
    const said = await mustRun(clientPath('pgbench'), flags, {
      environment: environmentOf(ground.endpoint('worker')),
    })
    expectThat(!/failed transactions: [^0]/.test(said), 'no failed transaction', said)
  },
}

export const programVisits: readonly Visit[] = [psql, copies, driver, pgbench]

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf } from '../../world/endpoint.ts'
import { clientPath } from '../../world/postgres-binaries.ts'
import { mustRun } from '../../world/process.ts'
import { temporaryDirectory } from '../../world/temporary.ts'
import type { Ground, Measurement, Reading, Row } from '../measurement.ts'
import { deploy, plainEndpoint } from '../routes/sallyport.ts'

const clients = 16
const transactions = 4000
/** In each transaction: a statement that repeats, and one whose shape was never seen before. */
const statements = 2

/** `policy simulate` over what was recorded: from the question to the report, policies compiled and recordings opened on the way. */
export const simulation: Measurement = {
  setting: 'alone',
  mostRounds: 3,
  rows: [
    row('policy simulate', 'perMinute', 'operations/min', 'higher', 100_000),
    row('policy simulate, longest wait for the API', 'longestMs', 'ms', 'lower'),
  ],
  measure,
}

function row(name: string, figure: string, unit: string, better: Row['better'], limit?: number): Row {
  const of = (figureOf: (route: 'sallyport') => number): number => figureOf('sallyport')
  const target = {
    words: 'operations a minute',
    of,
    limit: limit ?? 0,
    better,
    needs: ['sallyport' as const],
  }
  return { name, figure, unit, better, targets: limit === undefined ? [] : [target] }
}

async function measure({ bed: { server, database } }: Ground): Promise<Reading> {
  await using life = new AsyncDisposableStack()
  const { path } = life.use(await temporaryDirectory())
  const sallyport = await deploy(life, 'sallyport', { server, database })
  const person = await sallyport.person('recorded', ['unrestricted'])
  const script = join(path, 'script.sql')
  await writeFile(
    script,
    String.raw`\set aid random(1, 100000)
\set never random(1, 2000000000000)
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
SELECT abalance AS balance_:never FROM pgbench_accounts WHERE aid = :aid;
`,
  )
  await mustRun(
    clientPath('pgbench'),
    ['-n', '-c', `${clients}`, '-j', '2', '-t', `${transactions}`, '-f', script],
    {
      environment: environmentOf(plainEndpoint(sallyport, person, database)),
    },
  )
  const { client } = sallyport.admin
  const waits: number[] = []
  let isOver = false
  const waiting = (async () => {
    while (!isOver) {
      const began = performance.now()
      await client.gateway.version({})
      waits.push(performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  const began = performance.now()
  let judged = 0
  let changed = 0
  for await (const line of client.policies.simulate({ policies })) {
    if (line.kind !== 'report') continue
    judged = line.operations - line.notJudged
    changed = line.changes.reduce((sum, { count }) => sum + count, 0)
  }
  const minutes = (performance.now() - began) / 60_000
  isOver = true
  await waiting
  const expected = clients * transactions * statements
  if (judged < expected || changed < expected)
    throw new Error(`of ${expected} operations ${judged} were judged, and ${changed} found to change`)
  return { figures: { perMinute: judged / minutes, longestMs: Math.max(...waits) } }
}

/** Reads of accounts by review, and a thousand policies that have to do with other things. */
const policies = [
  {
    name: 'unrestricted',
    text: `@id("unrestricted") permit (principal in Group::"unrestricted", action in [Action::"connect", Action::"session", Action::"transaction"], resource);
      @id("reads") @review("dba") permit (principal in Group::"unrestricted", action == Action::"read", resource);`,
  },
  {
    name: 'others',
    text: Array.from(
      { length: 1000 },
      (_, i) =>
        `@id("p${i}") permit (principal in Group::"unrestricted", action == Action::"update", resource == Object::"orders-db/bench/public/t${i}");`,
    ).join('\n'),
  },
]

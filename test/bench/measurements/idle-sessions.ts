import { buildSallyport } from '../../world/built.ts'
import { startNode } from '../../world/process.ts'
import { freePort } from '../../world/ports.ts'
import { startSallyport, unrestricted } from '../../world/sallyport.ts'
import { atMost, type Measurement, type Reading } from '../measurement.ts'
import { settledBytes } from '../resident.ts'
import { plainEndpoint } from '../routes/sallyport.ts'

const sessions = 5000
const name = `${sessions} idle sessions`

/** What each session costs while it does nothing: the resident memory of both processes, as installed, with the sessions and without. */
export const idleSessions: Measurement = {
  setting: 'alone',
  mostRounds: 3,
  rows: [
    row('gateway, each', 'gatewayKiB', 60),
    row('agent, each', 'agentKiB', 40),
    { name: `${name}, opened`, figure: 'perSecond', unit: '/s', better: 'higher', targets: [] },
  ],
  measure,
}

function row(of: string, figure: string, limit: number): Measurement['rows'][number] {
  return { name: `${name}, ${of}`, figure, unit: 'KiB', better: 'lower', targets: [atMost(limit, 'KiB')] }
}

async function measure(): Promise<Reading | string> {
  if (process.platform !== 'linux') return 'resident memory is read from /proc'
  await using life = new AsyncDisposableStack()
  const { command } = life.use(await buildSallyport())
  const port = await freePort()
  const target = life.use(
    await startNode(new URL('../clients/tiny-target.ts', import.meta.url), [String(port)]),
  )
  await target.line(/^listening$/)
  const sallyport = life.use(
    await startSallyport({
      command,
      allow: [`127.0.0.1:${port}`],
      gateway: { limits: { connections: sessions + 100, connectionsBeforeLogin: 1000 } },
    }),
  )
  await sallyport.apply(unrestricted, {
    kind: 'Resource',
    name: 'orders-db',
    protocol: 'postgres',
    host: '127.0.0.1',
    port,
    agent: 'local',
    accounts: [{ name: 'nobody', credential: { from: 'none' } }],
    options: { tls: { mode: 'disable' } },
  })
  const person = await sallyport.person('idle', ['unrestricted'])
  const endpoint = plainEndpoint(sallyport, person, 'idle')
  const stay = async (count: number): Promise<{ seconds: number } & AsyncDisposable> => {
    const begin = performance.now()
    const clients = await startNode(
      new URL('../clients/idle-process.ts', import.meta.url),
      [String(count), String(atOnce)],
      { environment: { PATH: process.env['PATH'], BENCH_ENDPOINT: JSON.stringify(endpoint) } },
    )
    await clients.line(/^open$/, 300_000)
    return {
      seconds: (performance.now() - begin) / 1000,
      [Symbol.asyncDispose]: async () => {
        clients.endInput()
        await clients.line(/^idle all the while$/)
        await clients.exited
      },
    }
  }
  {
    await using _few = await stay(100) // what is loaded and compiled once is not a session's
  }
  const { gateway, agent } = sallyport
  const before = { gateway: await settledBytes(gateway.pid), agent: await settledBytes(agent.pid) }
  await using many = await stay(sessions)
  const after = { gateway: await settledBytes(gateway.pid), agent: await settledBytes(agent.pid) }
  return {
    figures: {
      gatewayKiB: (after.gateway - before.gateway) / sessions / 1024,
      agentKiB: (after.agent - before.agent) / sessions / 1024,
      perSecond: sessions / many.seconds,
    },
  }
}

const atOnce = 32

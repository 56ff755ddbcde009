import { declareSshd, hasSshd, SshClient, startSshd } from '../../world/openssh.ts'
import { buildSallyport } from '../../world/built.ts'
import { startSallyport, unrestricted } from '../../world/sallyport.ts'
import { atMost, type Measurement, type Reading } from '../measurement.ts'
import { settledBytes } from '../resident.ts'

const sessions = 100
const name = `${sessions} idle SSH sessions`

/** What each costs while nobody types: a shell in a terminal. The resident memory of both processes, as installed, with them and without. */
export const sshIdle: Measurement = {
  setting: 'alone',
  mostRounds: 2,
  rows: [row('gateway, each', 'gatewayKiB', 600), row('agent, each', 'agentKiB', 100)],
  measure,
}

function row(of: string, figure: string, limit: number): Measurement['rows'][number] {
  return { name: `${name}, ${of}`, figure, unit: 'KiB', better: 'lower', targets: [atMost(limit, 'KiB')] }
}

async function measure(): Promise<Reading | string> {
  if (process.platform !== 'linux') return 'resident memory is read from /proc'
  if (!hasSshd) return 'no OpenSSH server is installed'
  await using life = new AsyncDisposableStack()
  const { command } = life.use(await buildSallyport())
  const server = life.use(await startSshd({ MaxStartups: '500' }))
  const sallyport = life.use(
    await startSallyport({
      command,
      allow: [`127.0.0.1:${server.port}`],
      gateway: { limits: { connections: sessions + 100, connectionsBeforeLogin: 100 } },
    }),
  )
  await declareSshd(sallyport, server)
  await sallyport.apply(unrestricted)
  const client = await SshClient.of(sallyport, await sallyport.person('idle', ['unrestricted']))
  const stay = async (count: number): Promise<AsyncDisposable> => {
    await using staying = new AsyncDisposableStack()
    for (let begun = 0; begun < count; begun += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, count - begun) }, async () => {
        const one = staying.use(await client.start('web', ['echo ready; sleep 600'], ['-tt']))
        await one.line(/ready/)
      })
      await Promise.all(some)
    }
    return staying.move()
  }
  {
    await using _few = await stay(10) // what is loaded and compiled once is not a session's
  }
  const { gateway, agent } = sallyport
  const before = { gateway: await settledBytes(gateway.pid), agent: await settledBytes(agent.pid) }
  await using _many = await stay(sessions)
  const after = { gateway: await settledBytes(gateway.pid), agent: await settledBytes(agent.pid) }
  return {
    figures: {
      gatewayKiB: (after.gateway - before.gateway) / sessions / 1024,
      agentKiB: (after.agent - before.agent) / sessions / 1024,
    },
  }
}

const atOnce = 10

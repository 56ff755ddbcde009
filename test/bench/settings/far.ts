import { startFaultyLink } from '../../world/faulty-link.ts'
import type { TestBed } from '../bed.ts'
import type { OpenRoutes, Route } from '../route.ts'
import { openRelay } from '../routes/relay.ts'
import { deploy, plainEndpoint, processesOf } from '../routes/sallyport.ts'
import { makeNamespace, type Namespace } from './namespace.ts'

const delayMs = 25

/** Gateway and agent, and the two hops of the relay, 50 ms of round trip apart: the client is with the gateway, the agent with the server. */
export async function openFar(bed: TestBed): Promise<OpenRoutes & { readonly delayedBy: string }> {
  await using rollback = new AsyncDisposableStack()
  const namespace = makeNamespace(delayMs)
  const isMade = typeof namespace !== 'string'
  const routes = isMade
    ? await apartByNamespace(rollback, bed, rollback.use(namespace))
    : await apartByRelay(rollback, bed)
  const life = rollback.move()
  return {
    routes,
    missing: {},
    delayedBy: isMade ? 'netem' : `a relay, beyond which TCP knows no distance (${namespace})`,
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

async function apartByNamespace(
  life: AsyncDisposableStack,
  { server, database }: TestBed,
  { runner, insideAddress, outsideAddress }: Namespace,
): Promise<readonly Route[]> {
  const gatewayProcess = { runner, host: insideAddress }
  const sallyport = await deploy(life, 'sallyport', { server, database, gatewayProcess })
  const person = await sallyport.person('far', ['unrestricted'])
  return [
    await openRelay(life, server.endpoint({ database }), { runner, host: outsideAddress }),
    {
      name: 'sallyport',
      endpoint: plainEndpoint(sallyport, person, database),
      processes: processesOf(sallyport),
      runner,
    },
  ]
}

async function apartByRelay(
  life: AsyncDisposableStack,
  { server, database }: TestBed,
): Promise<readonly Route[]> {
  const linkTo = async (port: number): Promise<number> =>
    life.use(await startFaultyLink(port, { delayMs })).port
  const sallyport = await deploy(life, 'sallyport', { server, database })
  await sallyport.agent.stop()
  sallyport.agent = await sallyport.startAgentAs('agent', undefined, await linkTo(sallyport.ports.agents))
  await sallyport.agent.line(/attached/)
  const person = await sallyport.person('far', ['unrestricted'])
  return [
    await openRelay(life, server.endpoint({ database }), { portFor: linkTo }),
    {
      name: 'sallyport',
      endpoint: plainEndpoint(sallyport, person, database),
      processes: processesOf(sallyport),
    },
  ]
}

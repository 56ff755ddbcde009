import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint } from '../../world/endpoint.ts'
import type { Postgres } from '../../world/postgres.ts'
import {
  declarePostgres,
  startSallyport,
  unrestricted,
  type GatewayProcess,
  type Sallyport,
} from '../../world/sallyport.ts'
import type { Watched } from '../cpu.ts'
import type { Route, RouteName } from '../route.ts'

export interface Deployment {
  readonly server: Postgres
  readonly database: string
  /** Where `--cpu-prof` of its processes goes: a directory of its own below. */
  readonly profileDirectory?: string | undefined
  readonly gatewayProcess?: GatewayProcess
  /** How many carry the gateway's traffic. */
  readonly processes?: number
}

/** Gateway and agent as processes, with the server declared and one person who may do everything. */
export async function deploy(
  life: AsyncDisposableStack,
  name: RouteName,
  { server, profileDirectory, gatewayProcess, processes }: Deployment,
): Promise<Sallyport> {
  const sallyport = life.use(
    await startSallyport({
      allow: [`127.0.0.1:${server.port}`],
      ...(profileDirectory !== undefined && { profileDirectory: join(profileDirectory, name) }),
      ...(gatewayProcess && { gatewayProcess }),
      ...(processes !== undefined && { processes }),
    }),
  )
  await declarePostgres(sallyport, server, {
    masking: { columns: { 'public.bench_rows.email': 'pii.email' } },
    options: { tls: { mode: 'disable' } },
  })
  await sallyport.apply(unrestricted)
  return sallyport
}

export function processesOf({ gateway, agent }: Sallyport): readonly Watched[] {
  return [
    { name: 'gateway', pids: gateway.family },
    { name: 'agent', pids: agent.family },
  ]
}

/** The product, as one who may see everything and as one who sees a column masked. */
export async function openSallyport(
  life: AsyncDisposableStack,
  deployment: Deployment,
): Promise<readonly Route[]> {
  const sallyport = await deploy(life, 'sallyport', deployment)
  await sallyport.apply({
    kind: 'Policy',
    name: 'masked',
    text: `permit (principal in Group::"masked", action in [Action::"connect", Action::"read"], resource);\n`,
  })
  return [
    await routeFor(sallyport, 'sallyport', 'unrestricted', deployment.database),
    await routeFor(sallyport, 'masked', 'masked', deployment.database),
  ]
}

/** The product with a recorder that forgets. */
export async function openPolicy(life: AsyncDisposableStack, deployment: Deployment): Promise<Route> {
  const hook = new URL('./without-recording.ts', import.meta.url).href
  const gatewayProcess = { nodeOptions: ['--import', hook] }
  const sallyport = await deploy(life, 'policy', { ...deployment, gatewayProcess })
  return routeFor(sallyport, 'policy', 'unrestricted', deployment.database)
}

/** Gateway, tunnel and agent, and nothing that understands what it carries: clients log in to the server itself. */
export async function openTunnel(
  life: AsyncDisposableStack,
  direct: Endpoint,
  directory: string,
  deployment: Deployment,
): Promise<Route> {
  const file = join(directory, 'claim.json')
  const gatewayProcess = {
    program: new URL('./pipe-gateway.ts', import.meta.url),
    environment: { BENCH_CLAIM: file },
  }
  const sallyport = await deploy(life, 'tunnel', { ...deployment, gatewayProcess })
  const { token } = await sallyport.person('somebody', ['unrestricted'])
  await writeFile(file, JSON.stringify({ resource: 'orders-db', token }), { mode: 0o600 })
  const endpoint = { ...direct, port: sallyport.ports.postgres }
  return { name: 'tunnel', endpoint, processes: processesOf(sallyport) }
}

export async function routeFor(
  sallyport: Sallyport,
  name: RouteName,
  group: string,
  database: string,
): Promise<Route> {
  const person = await sallyport.person(name, [group])
  return { name, endpoint: plainEndpoint(sallyport, person, database), processes: processesOf(sallyport) }
}

/** Without TLS, as the other routes of the bench: the client is on the gateway's machine. */
export function plainEndpoint(
  sallyport: Sallyport,
  person: Parameters<Sallyport['endpoint']>[0],
  database: string,
): Endpoint {
  const { trust: _, ...rest } = sallyport.endpoint(person, 'orders-db', database)
  return { ...rest, host: '127.0.0.1' }
}

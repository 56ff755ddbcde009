import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createClient, type ApiError, type Client } from '@sallyport/api'
import { parseConfig } from '../config/load.ts'
import type { ProtocolKind } from '../protocols.ts'
import type { RunningGateway } from '../start/running-gateway.ts'
import { startGateway } from '../start/start.ts'
import { toyProtocol } from './toy-protocol.ts'

export const toyKind: ProtocolKind = { name: 'toy', listenPort: 0, open: () => toyProtocol }

export const password = 'correct horse battery'

/** What a call is refused with; undefined where it is not. */
export function failure(call: Promise<unknown>): Promise<ApiError | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => error as ApiError,
  )
}

/** A directory of its own, which goes with it. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-gateway-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

/** Keeps what is written to it, and says `written`. */
export class Page extends Writable {
  text = ''

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    this.emit('written')
    done()
  }
}

/** A configuration on free ports of the loopback. */
export function testConfig(dataDirectory: string, more = '') {
  const text = `dataDirectory: ${dataDirectory}
listen:
  api: 127.0.0.1:0
  agents: 127.0.0.1:0
  metrics: 127.0.0.1:0
  toy: 127.0.0.1:0
${more}`
  return parseConfig({ name: 'gateway.yaml', text, environment: {}, protocols: [toyKind] }).config
}

export interface World extends AsyncDisposable {
  readonly directory: string
  readonly gateway: RunningGateway
  readonly log: Page
  /** Not signed in, or with this token. */
  client(token?: string): Client
  /** Plain HTTPS, without the client. */
  ask(path: string, method?: string, body?: string): Promise<Answer>
  portOf(listener: string): number
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A whole gateway with a protocol that greets, in a directory of its own. */
export async function startWorld(more = ''): Promise<World> {
  await using life = new AsyncDisposableStack()
  const { path } = life.use(await temporaryDirectory())
  const log = new Page()
  const gateway = life.use(
    await startGateway(testConfig(path, more), { environment: {}, output: log, kinds: [toyKind] }),
  )
  const ending = life.move()
  return {
    directory: path,
    gateway,
    log,
    client: (token) =>
      createClient({
        baseUrl: gateway.baseUrl,
        ...(token === undefined ? {} : { token }),
        ...(gateway.authority === undefined ? {} : { ca: gateway.authority.certificate }),
      }),
    ask: (path, method = 'GET', body) => ask(gateway, path, method, body),
    portOf: (listener) => gateway.addresses.find(({ name }) => name === listener)?.port ?? 0,
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  }
}

async function ask(gateway: RunningGateway, path: string, method: string, body?: string): Promise<Answer> {
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) }
  const ca = gateway.authority?.certificate
  const asked = request(new URL(path, gateway.baseUrl), { method, headers, agent: false, ...(ca && { ca }) })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

/** The first administrator, signed in by the set-up link. */
export async function setUp(world: World, name = 'root'): Promise<Client> {
  const code = new URL(world.gateway.setupUrl ?? '').hash.slice(1)
  const { token } = await world.client().setup.consume({ code, name, password })
  return world.client(token)
}

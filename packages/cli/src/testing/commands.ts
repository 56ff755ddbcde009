import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parseConfig, protocolKinds, startGateway, type RunningGateway } from '@sallyport/gateway'
import { run } from '../program.ts'
import type { Surroundings } from '../surroundings.ts'

/** Command lines as people type them, and a gateway for them to ask. */

export const password = 'correct horse battery staple'

/** A resource with its credential, as a file declares them. */
export const ordersFile = `kind: Credential
name: orders-db
password: env:ORDERS_PASSWORD
---
kind: Resource
name: orders-db
protocol: postgres
host: 127.0.0.1
agent: local
accounts: [{ name: app, credential: { from: sealed, name: orders-db } }]
`

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function sallyport(
  args: readonly string[],
  environment: Surroundings['environment'] = {},
  input = '',
): Promise<Ran> {
  const output = new PassThrough()
  const errors = new PassThrough()
  const both = Promise.all([text(output), text(errors)])
  const code = await run(args, {
    environment,
    input: Readable.from([input]),
    output,
    errors,
    signals: process,
    now: () => Date.now(),
  })
  output.end()
  errors.end()
  const [out, err] = await both
  return { code, out, err }
}

export interface AskedGateway extends AsyncDisposable {
  /** For files of the test's own. */
  readonly directory: string
  readonly gateway: RunningGateway
  /** Whom the first administrator is at a terminal. */
  readonly root: Surroundings['environment']
}

/** A gateway in this process that nobody has set up yet. */
export async function startAskedGateway(): Promise<AskedGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-cli-'))
  const config = `dataDirectory: ${directory}/data
listen: { api: 127.0.0.1:0, agents: 127.0.0.1:0, metrics: off, postgres: 127.0.0.1:0, ssh: 127.0.0.1:0 }
`
  const gateway = await startGateway(
    parseConfig({ name: 'gateway.yaml', text: config, environment: {}, protocols: protocolKinds }).config,
    { environment: {}, output: new PassThrough().resume() },
  )
  return {
    directory,
    gateway,
    root: { SALLYPORT_STATE_HOME: join(directory, 'root'), ORDERS_PASSWORD: 'secret of the target' },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    },
  }
}

/**
 * `node pipe-gateway.ts --config FILE`: the product's gateway with a protocol that understands nothing. It logs in to the gate once
 * for each connection, as the person of BENCH_CLAIM (a file: resource and token), dials through the agent, and pipes. What is left
 * is the cost of the way: listener, gate, tunnel, agent.
 */
import { readFile } from 'node:fs/promises'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { asFault, isRefusal, Secret, type Connection, type Gate } from '@sallyport/core'
import { loadConfig, protocolKinds, runGateway, type ProtocolKind } from '@sallyport/gateway'

/** Declared as the product's own, so that the same resources and policies fit. */
const pipes: readonly ProtocolKind[] = protocolKinds.map((kind) => ({
  ...kind,
  open: (parts) => ({ ...kind.open(parts), serve: pipe }),
}))

async function pipe({ stream, address }: Connection, gate: Gate): Promise<void> {
  const { resource, token } = await claim()
  const opened = await gate.open({ resource, credential: new Secret(token), clientAddress: address })
  if (isRefusal(opened)) return void stream.destroy()
  await using session = opened
  const reason = await session.dial().then((target) => joined(stream, target), asFault)
  session.ended(typeof reason === 'string' ? reason : reason.code, 0, 0)
}

/** Both ways, with half-closes. Whoever leaves without one was the client, for all that matters here. */
async function joined(stream: Duplex, target: Duplex): Promise<'client-left'> {
  await Promise.allSettled([pipeline(stream, target), pipeline(target, stream)])
  return 'client-left'
}

interface Claim {
  readonly resource: string
  readonly token: string
}

let known: Promise<Claim> | undefined

function claim(): Promise<Claim> {
  const file = process.env['BENCH_CLAIM']
  if (file === undefined) throw new Error('BENCH_CLAIM names no file')
  known ??= readFile(file, 'utf8').then((text) => JSON.parse(text) as Claim) // written by the bench
  return known
}

const file = process.argv[process.argv.indexOf('--config') + 1]
if (file === undefined) throw new Error('no --config FILE')
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const { config } = loadConfig({ file, environment: process.env, protocols: pipes })
await runGateway(config, stop.signal, {
  environment: process.env,
  output: process.stdout,
  notices: process.stderr,
  kinds: pipes,
})

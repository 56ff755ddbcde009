import { createInterface } from 'node:readline'
import {
  factsOf,
  isRefusal,
  Secret,
  type Connection,
  type Fault,
  type Gate,
  type Refusal,
  type StreamProtocol,
} from '@sallyport/core'

/**
 * A protocol with little in it, without a target. The client's first line is `TOKEN RESOURCE`, each further one an operation, of which
 * the first word is the action. The answers are `ok`, or the code and reason why not; a session that is ended says why as its last.
 */
export const toyProtocol: StreamProtocol = {
  over: 'stream',
  name: 'toy',
  defaultPort: 7,
  listenPort: 0,
  options: (value) => {
    const [unknown] = Object.keys(value ?? {})
    if (unknown !== undefined) throw new Error(`unknown option ${unknown}`)
    return {}
  },
  actions: [
    { name: 'read', group: 'read', meaning: 'looks' },
    { name: 'update', group: 'write', meaning: 'changes' },
  ],
  facts: [],
  replay: 'statements',
  hints: ({ endpoint, resource, token }) => [
    {
      client: 'toy',
      command: ['toy', `${endpoint.host}:${endpoint.port}`, resource],
      environment: { TOY_TOKEN: token, TOY_CA: endpoint.caFile ?? '' },
    },
  ],
  serve,
}

async function serve({ stream, address }: Connection, gate: Gate, signal: AbortSignal): Promise<void> {
  const say = (words: string): void => void stream.write(`${words}\n`)
  const lines = createInterface({ input: stream, signal })[Symbol.asyncIterator]()
  say('toy')
  const [token = '', resource = ''] = String((await lines.next()).value).split(' ')
  const opened = await gate.open({ resource, credential: new Secret(token), clientAddress: address })
  if (isRefusal(opened)) return void stream.end(`${why(opened)}\n`)
  await using session = opened
  const end = (): void => void stream.end(`${why(session.signal.reason as Refusal | Fault)}\n`)
  session.signal.addEventListener('abort', end, { once: true })
  say('ok')
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const [action = ''] = line.value.split(' ')
    const facts = factsOf({ actions: [action], objects: [], exposes: [], context: {} })
    const operation = { text: line.value, parameters: [Buffer.from([1]), null], binding: () => [] }
    const answer = await session.authorize(operation, [facts], say)
    session.commit()
    if (isRefusal(answer)) {
      say(why(answer))
      continue
    }
    session.finish(answer, {
      status: 'done',
      rows: 1,
      sizeBytes: 3,
      maskedValues: 2,
      maskedColumns: ['email'],
    })
    say('ok')
  }
  session.ended(session.signal.aborted ? (session.signal.reason as Fault).code : 'client-left', 1, 2)
}

function why(cause: Refusal | Fault): string {
  return `${cause.code}: ${'reason' in cause ? cause.reason : cause.shown}`
}

import {
  asFault,
  Fault,
  isRefusal,
  type Clock,
  type Connection,
  type Gate,
  type Session,
} from '@sallyport/core'
import { Deadline } from '@sallyport/wire'
import type { SshConnection } from './connection/connection.ts'
import { Farewell } from './farewell.ts'
import { keepAlive } from './keep-alive.ts'
import { loginGraceMs, targetLoginMs } from './limits.ts'
import { LogIn, TurnedAway } from './login/downstream.ts'
import { meet } from './login/meeting.ts'
import { reachTarget, type Target } from './login/upstream.ts'
import type { SshOptions } from './options.ts'
import type { ServerConnection, SshServer } from './ssh2/index.ts'
import { disconnect } from './ssh2/index.ts'
import { Visit } from './visit.ts'
import { wordsInOne } from './wording.ts'

export interface ServeParts {
  readonly server: SshServer
  readonly clock: Clock
  /** For redactors that must be stable and unguessable. */
  readonly maskKey: Uint8Array
}

/** One connection: log-in on both sides, then its channels. Every refusal and fault is said in the client's protocol. */
export async function serve(
  parts: ServeParts,
  connection: Connection,
  gate: Gate<SshOptions>,
  signal: AbortSignal,
): Promise<void> {
  using grace = new Deadline(loginGraceMs, clientTooSlow, signal)
  const { stream, address } = connection
  const arrived = await meet(parts.server, stream, grace.signal).catch((thrown: unknown) => {
    stream.destroy()
    throw asFault(thrown)
  })
  const client = arrived.connection
  try {
    const { opened, ssh } = await new LogIn(arrived, gate, address, grace.signal).run()
    grace[Symbol.dispose]()
    if (isRefusal(opened)) return await new Farewell(ssh, client, opened).run()
    await using session = opened
    const broke = await converse(parts, session, client, ssh)
    if (broke !== undefined) throw broke
  } catch (thrown) {
    const cause = thrown instanceof TurnedAway ? thrown.refusal : asFault(thrown)
    disconnect(client, wordsInOne(cause))
    if (cause instanceof Fault) throw cause
  }
}

/** @returns the fault that ended it, already said to the client */
async function converse(
  parts: ServeParts,
  session: Session<SshOptions>,
  client: ServerConnection,
  ssh: SshConnection,
): Promise<Fault | undefined> {
  using patience = new Deadline(targetLoginMs, targetTooSlow, session.signal)
  const target = reachTarget(session, parts.clock, patience.signal).finally(() => patience[Symbol.dispose]())
  target.catch(() => undefined)
  const visit = new Visit({ ssh, session, target, maskKey: parts.maskKey })
  using alive = new DisposableStack()
  alive.use(keepAlive(ssh, () => visit.broke(new Fault('client/gone', 'the client answers no more'))))
  target.then(
    (reached) => {
      const onDead = (): void => visit.broke(new Fault('target/closed', 'the target answers no more'))
      if (!alive.disposed) alive.use(keepAlive(reached.ssh, onDead))
    },
    () => undefined,
  )
  const end = await visit.run()
  session.ended(typeof end === 'string' ? end : end.code, visit.bytesUp, visit.bytesDown)
  await Promise.all([
    leave(target),
    typeof end === 'string' ? undefined : new Farewell(ssh, client, end).run(),
  ])
  return end instanceof Fault && end.code !== 'client/gone' ? end : undefined
}

async function leave(target: Promise<Target>): Promise<void> {
  const reached = await target.catch(() => undefined)
  reached?.leave()
}

function clientTooSlow(): Fault {
  return new Fault('client/too-slow', `the log-in took longer than ${loginGraceMs / 1000} s`)
}

function targetTooSlow(): Fault {
  return new Fault(
    'target/too-slow',
    `the target did not complete the log-in within ${targetLoginMs / 1000} s`,
  )
}

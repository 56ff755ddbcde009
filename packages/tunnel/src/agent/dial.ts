import { connect, type Socket } from 'node:net'
import { Failure } from '@sallyport/proto'
import type { CarriedStream } from '../carry.ts'
import { DialFailure } from '../failure.ts'

/**
 * The agent's own word on a target: the addresses of `host` that may be dialled at `port`, in order, already resolved: what was
 * checked is what is dialled.
 * @throws DialFailure NOT_ALLOWED or UNREACHABLE
 */
export type Allow = (host: string, port: number) => Promise<readonly string[]>

/** Connects to a target. @throws DialFailure */
export async function reach(
  target: { readonly host: string; readonly port: number; readonly timeoutMs: number },
  allow: Allow,
): Promise<Socket> {
  const endsAtMs = performance.now() + target.timeoutMs
  const addresses = await within(allow(target.host, target.port), target.timeoutMs)
  let failure = new DialFailure(Failure.UNREACHABLE, 'the name has no address')
  for (const [tried, address] of addresses.entries()) {
    // What time is left is shared among the addresses that are left.
    const timeoutMs = (endsAtMs - performance.now()) / (addresses.length - tried)
    try {
      return await connected(address, target.port, timeoutMs)
    } catch (thrown) {
      failure = thrown as DialFailure
    }
  }
  throw failure
}

/** Passes bytes, ends and resets between target and tunnel. Returns at once; either's end ends the other. */
export function join(socket: Socket, stream: CarriedStream): void {
  socket.pipe(stream)
  stream.pipe(socket)
  socket.once('error', (cause) =>
    stream.destroy(new DialFailure(Failure.CLOSED, 'the target reset the connection', { cause })),
  )
  socket.once('close', () => {
    if (!socket.readableEnded)
      stream.destroy(new DialFailure(Failure.CLOSED, 'the connection to the target is gone'))
  })
  // A reset of the tunnel is one for the target, and never looks like an end.
  stream.once('error', () => cut(socket))
  stream.once('close', () => {
    if (!socket.writableEnded) cut(socket)
  })
}

/** By a reset, unless our end was said before: the system resets nothing behind an end, and Node would lose the descriptor. */
function cut(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

function connected(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      allowHalfOpen: true,
    })
    const fail = (failure: Failure, cause?: unknown): void => {
      clearTimeout(timer)
      socket.on('error', () => {}).destroy()
      reject(new DialFailure(failure, 'the target did not accept the connection', { cause }))
    }
    const timer = setTimeout(() => fail(Failure.TOO_SLOW), Math.max(1, timeoutMs))
    const onError = (cause: NodeJS.ErrnoException): void =>
      fail(cause.code === 'ETIMEDOUT' ? Failure.TOO_SLOW : Failure.UNREACHABLE, cause)
    socket.once('error', onError).once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      resolve(socket)
    })
  })
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new DialFailure(Failure.TOO_SLOW, 'the name was not resolved in time')),
    timeoutMs,
  )
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

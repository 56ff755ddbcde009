import { isUtf8 } from 'node:buffer'
import type { RecordedLine } from '@sallyport/api'
import type { Clock } from '@sallyport/core'
import type { RecordedEvent } from '@sallyport/recording'
import type { Watch } from '../../start/plane.ts'
import type { Caller } from '../implementation.ts'
import { time } from '../views.ts'

/** What says that somebody may not look any more, while they do. */
export interface Standing {
  /** Their token was revoked, or their groups are others. */
  readonly watch: (caller: Caller, changed: () => void) => Disposable
  /** The policies are others. */
  readonly onPolicies: (changed: () => void) => Disposable
  mayReplay(): Promise<boolean>
}

export interface WatchedBy {
  readonly caller: Caller
  readonly gone: AbortSignal
}

/**
 * A live session, an event a line, until it ends, or until who looks is gone or may not look any more. A line comes at least as often as
 * the watch says that there is nothing, so that nobody takes a quiet session for a dead connection.
 */
export async function* linesOf(
  watch: Watch,
  { caller, gone }: WatchedBy,
  standing: Standing,
  clock: Clock,
): AsyncGenerator<RecordedLine> {
  const leave = (why: string): void => watch.leave(why)
  const onGone = (): void => leave('you left')
  const lookAgain = async (): Promise<void> => {
    const may = await standing.mayReplay().catch(() => false)
    if (!may) leave('you may not watch it any more')
  }
  using _token = standing.watch(caller, () => leave('your access has changed: watch it again'))
  using _policies = standing.onPolicies(() => void lookAgain())
  const expiry = setTimeout(
    () => leave('your access token has expired'),
    caller.token.expiresAtMs - clock.now(),
  )
  gone.addEventListener('abort', onGone, { once: true })
  if (gone.aborted) onGone()
  let last = 0
  const own = (kind: string, more: object = {}): RecordedLine => ({
    sequence: last,
    at: time(clock.now()),
    kind,
    ...more,
  })
  try {
    yield own('watching', { watch: watch.id })
    for (;;) {
      const { events, end } = await watch.next()
      for (const event of events) {
        last = event.seq
        yield eventLine(event)
      }
      if (end !== undefined) return yield own('watching-ended', { reason: end })
      if (events.length === 0) yield own('nothing-new')
    }
  } finally {
    clearTimeout(expiry)
    gone.removeEventListener('abort', onGone)
    leave('you left')
  }
}

/** As the exported recording has it. */
export function eventLine({ seq, at, ...event }: RecordedEvent): RecordedLine {
  const stamp = { sequence: seq, at: time(at) }
  switch (event.kind) {
    case 'operation': {
      const parameters = event.parameters.map((it) =>
        it instanceof Uint8Array ? `base64:${Buffer.from(it).toString('base64')}` : it,
      )
      return { ...stamp, ...event, parameters }
    }
    case 'output':
    case 'input': {
      const { bytes, ...passed } = event
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      return {
        ...stamp,
        ...passed,
        ...(isUtf8(bytes) ? { text: buffer.toString() } : { base64: buffer.toString('base64') }),
      }
    }
    default:
      return { ...stamp, ...event }
  }
}

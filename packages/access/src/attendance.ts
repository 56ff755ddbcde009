import {
  refusal,
  watchersInWords,
  type Clock,
  type Obligations,
  type Operation,
  type Refusal,
  type SessionId,
  type Tell,
  type Watchers,
} from '@sallyport/core'
import type { Recorder } from '@sallyport/recording'
import type { SessionAudience } from './audience.ts'
import { Bell } from './bell.ts'
import type { Notify } from './events.ts'

/** How long an operation waits for those who must watch it. */
const attendMs = 15 * 60_000
/** How often who waits is told so: well within the read time-outs of drivers. */
const heartbeatMs = 10_000

export interface AttendanceParts {
  readonly session: SessionId
  readonly audience: Pick<SessionAudience, 'isMet' | 'onChange'>
  readonly recorder: Pick<Recorder, 'append'>
  readonly clock: Clock
  readonly notify: Notify
}

/**
 * Waits until those watch whom policy asks for, for {@link attendMs} at most.
 * @returns why it does not go on
 */
export async function attend(
  { session, audience, recorder, clock, notify }: AttendanceParts,
  { watchers, text }: { readonly watchers: Watchers; readonly text: string },
  tell: Tell,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  if (audience.isMet(watchers)) return undefined
  recorder.append({ kind: 'watch-asked', watchers, text })
  notify({ kind: 'watch-asked', session, watchers: [...new Set(watchers.flat())] })
  const bell = new Bell()
  using _watch = audience.onChange(bell.ring)
  const endsMs = clock.elapsed() + attendMs
  const who = watchersInWords(watchers)
  const say = (): void =>
    tell(
      `waiting for ${who} to watch: sallyport sessions watch ${session}, within ${Math.ceil((endsMs - clock.elapsed()) / 60_000)} min`,
    )
  const heartbeat = setInterval(bell.ring, heartbeatMs)
  signal.addEventListener('abort', bell.ring, { once: true })
  try {
    while (!audience.isMet(watchers)) {
      if (signal.aborted) return refusal('not-watched', `it was given up before ${who} watched`)
      if (clock.elapsed() >= endsMs)
        return notWatched(`${who} did not come to watch within ${attendMs / 60_000} min`)
      say()
      await bell.next()
    }
    return undefined
  } finally {
    signal.removeEventListener('abort', bell.ring)
    clearInterval(heartbeat)
  }
}

/** Where policy asks that something is watched which could not pause when they leave. */
export function unwatchable({ cannotPause }: Operation, { watchers }: Obligations): Refusal | undefined {
  if (watchers === undefined || cannotPause !== true) return undefined
  return refusal(
    'not-watched',
    `${watchersInWords(watchers)} must watch it, and it could not pause when they leave`,
  )
}

export function notWatched(why: string): Refusal {
  return refusal('not-watched', why, 'send it again when somebody is there to watch')
}

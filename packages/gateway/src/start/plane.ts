import { kill, type LiveSessions, type Seen } from '@sallyport/access'
import type { Subject, TagSuggestions } from '@sallyport/core'
import type { Store } from '@sallyport/store'
import type { AgentServer, AttachedAgent, DialRequest } from '@sallyport/tunnel'
import type { TagQuestion } from './own-target.ts'
import type { Serving } from './serving.ts'

/** What carries the traffic, as the API sees it: this very process, or several others. */
export interface Plane {
  /** How many processes carry it, of how many that should. */
  processes(): { readonly serving: number; readonly all: number }
  /** Sessions in progress. */
  liveSessions(): Promise<number>
  /** See `kill` of the control core. */
  kill(id: string, by: Subject, why?: string): Promise<boolean>
  /** Somebody begins to watch a session. Undefined where it does not live, or as many watch as may. */
  watch(session: string, by: Subject): Promise<Watch | undefined>
  /** See {@link Watch}: one of them is still there. False where it is over. */
  stillWatching(session: string, watch: string, by: Subject): Promise<boolean>
  attached(): Promise<readonly AttachedAgent[]>
  /** Ends what a revoked agent still has. */
  cut(agent: string): void
  /** Connects to a target through an agent, and lets go of it. @throws Fault as of the dial */
  reach(request: DialRequest, signal: AbortSignal): Promise<void>
  /** See `suggestTagsThrough`. */
  suggestTags(question: TagQuestion, signal: AbortSignal): Promise<TagSuggestions>
  /** Why nothing can be recorded; undefined while all is well. */
  recorderFailure(): Promise<string | undefined>
}

/** What one sees of a live session. */
export interface Watch {
  readonly id: string
  /** What has been seen since; nothing where nothing was for {@link lookMs}. @throws Fault where its process has died */
  next(): Promise<Seen>
  /** They look no more, for this reason. */
  leave(why: string): void
}

/** How long one waits for the next event before they are told that there is none. */
export const lookMs = 5_000

/** All in one process. */
export class OwnPlane implements Plane {
  readonly #store: Pick<Store, 'write'>
  readonly #sessions: LiveSessions
  readonly #tunnel: AgentServer
  readonly #serving: Pick<Serving, 'suggestTags'>
  readonly #recorder: { readonly failure: string | undefined }

  constructor(parts: {
    readonly store: Pick<Store, 'write'>
    readonly sessions: LiveSessions
    readonly tunnel: AgentServer
    readonly serving: Pick<Serving, 'suggestTags'>
    readonly recorder: { readonly failure: string | undefined }
  }) {
    this.#store = parts.store
    this.#sessions = parts.sessions
    this.#tunnel = parts.tunnel
    this.#serving = parts.serving
    this.#recorder = parts.recorder
  }

  processes(): { readonly serving: number; readonly all: number } {
    return { serving: 1, all: 1 }
  }

  liveSessions(): Promise<number> {
    return Promise.resolve(this.#sessions.list().length)
  }

  kill(id: string, by: Subject, why?: string): Promise<boolean> {
    return kill(this.#store, (...ending) => this.#sessions.end(...ending), { id, by, why })
  }

  watch(session: string, by: Subject): Promise<Watch | undefined> {
    const watching = this.#sessions.watch(session, by)
    if (watching === undefined) return Promise.resolve(undefined)
    return Promise.resolve({
      id: watching.id,
      next: () => watching.next(lookMs),
      leave: (why) => watching.end(why),
    })
  }

  stillWatching(session: string, watch: string, by: Subject): Promise<boolean> {
    return Promise.resolve(heard(this.#sessions, session, watch, by))
  }

  attached(): Promise<readonly AttachedAgent[]> {
    return Promise.resolve(this.#tunnel.attached())
  }

  cut(agent: string): void {
    this.#tunnel.cut(agent)
  }

  reach(request: DialRequest, signal: AbortSignal): Promise<void> {
    return reachThrough(this.#tunnel, request, signal)
  }

  suggestTags(question: TagQuestion, signal: AbortSignal): Promise<TagSuggestions> {
    return this.#serving.suggestTags(question, signal)
  }

  recorderFailure(): Promise<string | undefined> {
    return Promise.resolve(this.#recorder.failure)
  }
}

/** One that watches is still there. @returns false where that is over */
export function heard(sessions: LiveSessions, session: string, watch: string, by: Subject): boolean {
  const watching = sessions.watching(session, watch, by)
  watching?.heard()
  return watching !== undefined
}

export async function reachThrough(
  tunnel: Pick<AgentServer, 'dial'>,
  request: DialRequest,
  signal: AbortSignal,
): Promise<void> {
  const stream = await tunnel.dial(request, signal)
  stream.on('error', () => undefined).destroy()
}

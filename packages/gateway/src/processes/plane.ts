import { kill } from '@sallyport/access'
import type { Subject, TagSuggestions } from '@sallyport/core'
import type { Store } from '@sallyport/store'
import type { AttachedAgent, DialRequest } from '@sallyport/tunnel'
import type { TagQuestion } from '../start/own-target.ts'
import type { Plane, Watch } from '../start/plane.ts'
import type { DataState } from './calls.ts'
import type { DataProcesses } from './data-processes.ts'

/** What carries the traffic, where several processes do. */
export class ProcessesPlane implements Plane {
  readonly #store: Pick<Store, 'write'>
  readonly #processes: Pick<DataProcesses, 'ask' | 'askAll' | 'askOne' | 'serving' | 'count'>

  constructor(
    store: Pick<Store, 'write'>,
    processes: Pick<DataProcesses, 'ask' | 'askAll' | 'askOne' | 'serving' | 'count'>,
  ) {
    this.#store = store
    this.#processes = processes
  }

  processes(): { readonly serving: number; readonly all: number } {
    return { serving: this.#processes.serving.length, all: this.#processes.count }
  }

  async liveSessions(): Promise<number> {
    return (await this.#look()).reduce((sum, { sessions }) => sum + sessions, 0)
  }

  kill(id: string, by: Subject, why?: string): Promise<boolean> {
    const end = async (...ending: Parameters<Parameters<typeof kill>[1]>) =>
      (await this.#processes.askAll('end', ...ending)).find((ended) => ended !== undefined)
    return kill(this.#store, end, { id, by, why })
  }

  async watch(session: string, by: Subject): Promise<Watch | undefined> {
    const processes = this.#processes
    const [begun] = (await processes.askAll('watch', session, by)).filter((it) => it !== undefined)
    if (begun === undefined) return undefined
    const { watch, process } = begun
    return {
      id: watch,
      next: () => processes.ask(process, 'seen', watch),
      leave: (why) => void processes.ask(process, 'leave', watch, why).catch(() => undefined),
    }
  }

  async stillWatching(session: string, watch: string, by: Subject): Promise<boolean> {
    return (await this.#processes.askAll('stillWatching', session, watch, by)).includes(true)
  }

  /** Each agent once: since when it is attached to any, and what it carries for all. */
  async attached(): Promise<readonly AttachedAgent[]> {
    const agents = new Map<string, AttachedAgent>()
    for (const agent of (await this.#look()).flatMap((state) => state.agents)) {
      const known = agents.get(agent.id)
      agents.set(agent.id, known === undefined ? agent : together(known, agent))
    }
    return [...agents.values()]
  }

  /** They have heard of the revocation, and cut it before it was answered. */
  cut(): void {}

  async reach(request: DialRequest): Promise<void> {
    await this.#processes.askAll('reach', request)
  }

  suggestTags(question: TagQuestion): Promise<TagSuggestions> {
    return this.#processes.askOne('suggestTags', question)
  }

  async recorderFailure(): Promise<string | undefined> {
    return (await this.#look()).map((state) => state.recorderFailure).find((why) => why !== undefined)
  }

  #look(): Promise<readonly DataState[]> {
    return this.#processes.askAll('look')
  }
}

function together(a: AttachedAgent, b: AttachedAgent): AttachedAgent {
  return {
    ...a,
    attachedAtMs: Math.min(a.attachedAtMs, b.attachedAtMs),
    rttMs: slower(a.rttMs, b.rttMs),
    streams: a.streams + b.streams,
    isDraining: a.isDraining || b.isDraining,
  }
}

function slower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

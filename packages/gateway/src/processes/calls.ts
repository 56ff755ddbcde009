import type { EndedSession, Seen } from '@sallyport/access'
import type { AuthorizationServer, Refusal, Subject, TagSuggestions } from '@sallyport/core'
import type { StoreChange } from '@sallyport/store'
import type { AttachedAgent, DialRequest } from '@sallyport/tunnel'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'
import type { Config } from '../config/schema.ts'
import type { TagQuestion } from '../start/own-target.ts'

/** A process's numbers, as its registry gives them. */
export type Numbers = readonly MetricObjectWithValues<MetricValue<string>>[]

/** What the control process asks of one that carries traffic. */
export interface DataCalls {
  /** Comes first, once: the process serves when it is answered. @throws CannotStart */
  start(as: { readonly config: Config; readonly process: number; readonly processes: number }): Promise<void>
  /** Another process committed this: answered once it holds here. */
  heard(changes: readonly StoreChange[]): Promise<void>
  look(): DataState
  numbers(): Promise<Numbers>
  end(session: string, cause: Refusal): EndedSession | undefined
  /** Fires the interrupt of the session that has this key. False where none has. */
  interrupt(key: Uint8Array): boolean | Promise<boolean>
  /** See `LiveSessions.watch`. @returns the watch's id, and the number of this process, which alone has it */
  watch(session: string, by: Subject): { readonly watch: string; readonly process: number } | undefined
  /** See `Watch.next`; that it is over where it is. */
  seen(watch: string): Promise<Seen>
  stillWatching(session: string, watch: string, by: Subject): boolean
  leave(watch: string, why: string): void
  /** See `Recordings.flush`. */
  flush(session: string): number | undefined
  reach(request: DialRequest): Promise<void>
  /** See `suggestTagsThrough`. */
  suggestTags(question: TagQuestion): Promise<TagSuggestions>
  /** Answered when nobody is left. */
  drain(): Promise<void>
  /** Ends the wait of `drain`. */
  hurry(): void
  /** Ends everything, and then itself. */
  quit(): void
}

/** How it is with a process that carries traffic. */
export interface DataState {
  readonly sessions: number
  readonly agents: readonly AttachedAgent[]
  readonly recorderFailure: string | undefined
}

/** What a process that carries traffic asks of the control process. */
export interface ControlCalls {
  /** It is about to read the store: from here on it has to hear of what changes. */
  opening(): void
  /** It committed this: answered once it holds everywhere. */
  tell(changes: readonly StoreChange[]): Promise<void>
  throttled(keys: readonly string[]): Refusal | undefined
  failed(keys: readonly string[]): void
  interruptElsewhere(key: Uint8Array): Promise<boolean>
  /** Of {@link DeviceDoor}; secrets in clear, since both ends are this very program. */
  beginDevice(
    program: string,
    address: string,
  ): Refusal | { url: string; userCode: string; deviceCode: string }
  waitForDevice(deviceCode: string): Promise<Refusal | { token: string }>
  forgetDevice(deviceCode: string): void
  discover(address: string): AuthorizationServer | Refusal
}

/** What sockets are passed as. */
export const passed = {
  /** One of a protocol's clients, with the protocol's name. */
  client: 'client',
  /** An agent's, with what it has said already. */
  agent: 'agent',
} as const

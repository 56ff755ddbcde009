import type { KeyObject } from 'node:crypto'
import type { Resource, SessionId } from '@sallyport/core'
import type { PolicyProblem, PolicyText, ProtocolVocabulary, SimulationReport } from '@sallyport/policy'

/** What the thread of a simulation is started with. */
export interface SimulationWork {
  readonly before: readonly PolicyText[]
  readonly after: readonly PolicyText[]
  readonly vocabulary: readonly ProtocolVocabulary[]
  readonly detectorTags: Readonly<Record<string, string>>
  /** Where recordings lie. */
  readonly directories: readonly string[]
  readonly encryptionKey: KeyObject
  /** Newest first; with the size that its file has by now where it is being recorded. */
  readonly sessions: readonly { readonly session: SessionId; readonly sizeBytes?: number }[]
  /** By name: sessions on others are left out. */
  readonly resources: ReadonlyMap<string, Resource>
  /** Operations before are left out. */
  readonly sinceMs: number
}

/** What it tells: at least every half second, and `invalid` or `done` as its last. */
export type SimulationTold =
  | { readonly kind: 'progress'; readonly sessions: number; readonly operations: number }
  | { readonly kind: 'invalid'; readonly problems: readonly PolicyProblem[] }
  | { readonly kind: 'done'; readonly report: SimulationReport & { readonly unreadable: number } }

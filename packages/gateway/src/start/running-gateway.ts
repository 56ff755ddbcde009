import type { Clock, Fault } from '@sallyport/core'
import type { ProtocolKind } from '../protocols.ts'
import type { Address } from './address.ts'

export interface GatewayOptions {
  /** For secrets by reference. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where the log goes; that of further processes goes to this one's standard output. */
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly clock?: Clock
  /** Every one that there is, unless told otherwise. */
  readonly kinds?: readonly ProtocolKind[]
}

/** A gateway that serves, until it is disposed. */
export interface RunningGateway extends AsyncDisposable {
  readonly version: string
  readonly addresses: readonly Address[]
  /** `https://host:port`. */
  readonly baseUrl: string
  /** PEM of its own authority, and the fingerprint by which people know it; where it signs for itself. */
  readonly authority: { readonly certificate: string; readonly fingerprint: string } | undefined
  /** While nobody is set up. */
  readonly setupUrl: string | undefined
  /** Takes no new clients, waits `drainMs` for those that are, then ends them with `cause`. */
  drain(cause: Fault, hurry?: AbortSignal): Promise<void>
}

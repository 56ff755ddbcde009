import type {
  CredentialRequest,
  CredentialSource,
  CredentialSourceFrom,
  UpstreamCredential,
} from '@sallyport/core'

/**
 * One kind of credential source: how it is fetched for a session and, where that makes something that has to be undone, how. How it is
 * declared stands in the API's documents.
 */
export interface CredentialKind<Source extends CredentialSource = CredentialSource> {
  /**
   * For one log-in; for a whole session where it undertakes anything.
   * @param undertake to be called before what it makes can be used, at the latest; where the fetch fails after, that is undone
   * @throws Error that names the source, and never has a word of the credential in it; Fault of what the source itself asks
   */
  fetch(source: Source, request: CredentialRequest, undertake: Undertake): Promise<UpstreamCredential>
  /**
   * Undoes what was undertaken. Called until it succeeds, in whichever process, also after a crash, and so perhaps for what is undone
   * already or was never made: that is success.
   * @param what as it was undertaken, out of the store
   * @throws Error where it has to be tried again
   */
  release?(what: Json, signal: AbortSignal): Promise<void>
}

/** The kinds that there are, each under its name. */
export type CredentialKinds = {
  readonly [From in CredentialSource['from']]: CredentialKind<CredentialSourceFrom<From>>
}

/**
 * Promises that something will be undone, once, whatever happens: resolves when that is on the disk.
 * @param what `release` needs to know, also after a restart; it is kept sealed
 * @throws Fault gateway/store-unavailable
 */
export type Undertake = (what: Json, terms?: LeaseTerms) => Promise<void>

/** Of what ends by itself unless it is renewed. */
export interface LeaseTerms {
  /** From now. */
  readonly lastsMs: number
  /**
   * Prolongs it, at two thirds of its time. Absent where it cannot be.
   * @returns how long it lasts from now
   * @throws LeaseLost where that is refused for good; anything else is tried again while there is time
   */
  readonly renew?: (signal: AbortSignal) => Promise<number>
}

/** It is gone, and will not come back. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** What JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

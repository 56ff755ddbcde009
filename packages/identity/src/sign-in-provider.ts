import type { Secret, SignedIn, SignInTerms } from '@sallyport/core'
import type { DescribedPerson } from './provider-users.ts'

/**
 * A company's identity provider, of whatever protocol: a browser is sent there, and brings an answer back that says who it is.
 * `Flow` is what has to be kept between the way there and back, as JSON, and by nobody but the browser that goes it.
 */
export interface SignInProvider<Flow> {
  /**
   * @param back the gateway's address at which the browser comes back
   * @param asked what the sign-in is to be, of which the provider may have its own opinion: the person's says what it was
   * @throws SignInProblem
   */
  begin(back: string, asked?: SignInTerms): Promise<{ readonly url: URL; readonly flow: Flow }>
  /**
   * @param answer what the browser came back with, in the address or in a form
   * @throws SignInProblem unless it is the provider's, to us, and to what this very flow began
   */
  complete(answer: URLSearchParams, flow: Flow, back: string): Promise<SignedInPerson>
}

/** Whom a provider has signed in. */
export interface SignedInPerson extends DescribedPerson {
  /** By which it can be asked again whether that stands, where it can. */
  readonly refresh?: Secret
  /** What it calls its own session, where it says so. */
  readonly sid: string | null
  readonly signedIn: SignedIn
  /** Where its answer could be brought twice: what it is known by, and until when it has to be known. */
  readonly once?: { readonly id: string; readonly untilMs: number }
  /** When its own session is over, where it says so. */
  readonly endsAtMs?: number
}

/** Why a sign-in came to nothing: for the log, and without what was sent. */
export class SignInProblem extends Error {
  override readonly name = 'SignInProblem'
  /** `unavailable`: the provider could not be asked. `refused`: it said no, or what came is no answer to what was asked. */
  readonly kind: 'unavailable' | 'refused'

  constructor(kind: SignInProblem['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

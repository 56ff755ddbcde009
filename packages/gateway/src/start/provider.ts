import type { Clock } from '@sallyport/core'
import type { BackChannel, Look, ProviderChecks, ProviderSignIn, StepUps } from '@sallyport/identity'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import type { People } from './control-core.ts'
import type { Foundation } from './foundation.ts'

export interface ProviderOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly foundation: Pick<Foundation, 'store' | 'box'>
  readonly people: Pick<People, 'tokens'>
  readonly events: Events
}

/** A configured identity provider at work: signing people in, and, where it can be asked, asking about those whom it has. */
export interface ProviderAtWork {
  readonly kind: 'oidc' | 'saml'
  /** What people know it by. */
  readonly name: string
  readonly signIn: ProviderSignIn
  /** Where people can be asked to sign in anew. */
  readonly stepUps?: StepUps
  readonly checks?: ProviderChecks
  /** Ours, where providers read such. @param back where browsers come back to */
  readonly metadata?: (back: string) => string
  /** Where it says by itself that somebody has left. */
  readonly backChannel?: BackChannel
  /** All that has to be right for people to be signed in there. @param baseUrl the gateway's own address */
  readonly examine: (baseUrl: string) => readonly Look[]
}

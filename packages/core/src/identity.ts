import type { Branded } from './brand.ts'
import type { Restriction } from './restriction.ts'

/** Stable id of a principal, `user:alice` or `workload:ci-shop`. Never an e-mail address, which may be reassigned. */
export type PrincipalId = Branded<string, 'PrincipalId'>

/** Who is responsible: a person or a workload, with its groups as they stood when the session began. */
export interface Principal {
  readonly kind: 'user' | 'workload'
  readonly id: PrincipalId
  /** What people call it; may change, is never compared. */
  readonly name: string
  readonly groups: readonly string[]
}

/** What acts for a principal (an AI agent, a pipeline): the `act` claim of RFC 8693. */
export interface Actor {
  readonly kind: 'user' | 'workload' | 'agent'
  /** Of agents that people name `agent:NAME`; of those that an issuer names `agent:ISSUER/NAME`, so that they are never one. */
  readonly id: string
  readonly name: string
  /** Who acted before and had it act: the nested `act` claim, section 4.1. The first of all is nested deepest. */
  readonly act?: Actor
}

/** How a person signed in, as whoever signed them in says. What that does not say is not so. */
export interface SignedIn {
  /** Which classes of sign-in it was: `acr`. OpenID Connect Core section 2 */
  readonly acr: readonly string[]
  /** By what means: `amr`. RFC 8176 */
  readonly amr: readonly string[]
  /** When they last showed who they are, in milliseconds since 1970: `auth_time`. */
  readonly atMs?: number
}

/** Principal and actor, always judged and recorded together. The actor equals the principal where nobody stands in between. */
export interface Subject {
  readonly principal: Principal
  readonly actor: Actor
  /** The sign-in of the principal by which the subject is here; absent where it is by none that is known. */
  readonly signedIn?: SignedIn
  /** The address that they come from, without a port; absent where they come from nowhere that is known. */
  readonly source?: string
  /** What was delegated to the actor, where less than all: every one of them must hold. */
  readonly scope?: readonly Restriction[]
}

export function principalId(kind: Principal['kind'], name: string): PrincipalId {
  return `${kind}:${name}` as PrincipalId
}

/** A principal acting for itself. */
export function onOwnBehalf(principal: Principal): Subject {
  return { principal, actor: { kind: principal.kind, id: principal.id, name: principal.name } }
}

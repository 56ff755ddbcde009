import { maxActors, type Actor } from '@sallyport/core'
import { isObject, type Claims, type NotTaken } from './jwt.ts'

/** What a token says of who acts for whom it is about. */
export interface Acting {
  readonly actor?: Actor
  /** Whom it is about: see {@link partyOf}. */
  readonly party: string
  /** Who alone may be made an actor by it, in the same form; {@link nobody} where it says that in a way that is not understood. */
  readonly mayAct?: string
}

/**
 * Reads `act` and `may_act`: who acts, with all who acted before, and who may be made to. Pure. Of what else stands in them nothing is
 * taken. RFC 8693 sections 4.1 and 4.4
 */
export function actingIn(issuer: IssuerOf, claims: Claims): Acting | NotTaken {
  const actor = Object.hasOwn(claims, 'act') ? actorFrom(issuer, claims['act'], 1) : undefined
  if (actor !== undefined && 'why' in actor) return actor
  const party = partyOf(issuer, claims) ?? nobody
  const { may_act: may } = claims
  const mayAct = Object.hasOwn(claims, 'may_act')
    ? ((isObject(may) ? partyOf(issuer, may) : undefined) ?? nobody)
    : undefined
  return { party, ...(actor !== undefined && { actor }), ...(mayAct !== undefined && { mayAct }) }
}

type IssuerOf = { readonly name: string; readonly issuer: string }

/**
 * Somebody as issuers know them, by `iss` and `sub`, so that what one of them says of somebody of another can be compared.
 * @returns undefined for what names nobody
 */
function partyOf({ issuer }: IssuerOf, { sub, iss = issuer }: Claims): string | undefined {
  return isName(sub) && isName(iss) ? JSON.stringify([iss, sub]) : undefined
}

/**
 * The id of whom an issuer calls an actor by `sub`, and by `iss` where that is another: `agent:acme/NAME`. Behind the issuer's own name,
 * so that nobody can be taken for another issuer's or for one that was named here, and with all escaped that is no letter, digit or
 * harmless mark.
 * @returns undefined for what names nobody, or too long
 */
function idOf(issuer: IssuerOf, { sub, iss = issuer.issuer }: Claims): string | undefined {
  const parts = iss === issuer.issuer ? [sub] : [iss, sub]
  if (!parts.every(isName)) return undefined
  const id = `agent:${[issuer.name, ...parts.map(escaped)].join('/')}`
  return id.length <= maxIdLength ? id : undefined
}

function actorFrom(issuer: IssuerOf, act: unknown, depth: number): Actor | NotTaken {
  if (depth > maxActors) return { why: `more than ${maxActors} act in it, one through the other` }
  const id = isObject(act) ? idOf(issuer, act) : undefined
  if (!isObject(act) || id === undefined) return { why: 'its act does not say who acts' }
  const before = Object.hasOwn(act, 'act') ? actorFrom(issuer, act['act'], depth + 1) : undefined
  if (before !== undefined && 'why' in before) return before
  const actor = { kind: 'agent', id, name: id.slice('agent:'.length) } as const
  return before === undefined ? actor : { ...actor, act: before }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxNameLength && value.isWellFormed()
}

function escaped(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._~:@+=-]/gu, (mark) =>
    Array.from(Buffer.from(mark), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** No party is written so. */
export const nobody = 'nobody'
const maxNameLength = 2048
const maxIdLength = 512

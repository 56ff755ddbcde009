import {
  actorsOf,
  maxActors,
  maxNamedInRestriction,
  refusal,
  type Actor,
  type Clock,
  type Refusal,
  type Restriction,
} from '@sallyport/core'
import type { Store, TokenRow, Writers } from '@sallyport/store'
import { invalidCredential, type Authenticated } from './authenticator.ts'
import { nobody } from './federation/actors.ts'
import { currentPrincipal } from './principals.ts'
import { standingToken } from './standing.ts'
import { maxTokenMs, type MintedToken, type Tokens } from './tokens.ts'
import { isUserName } from './users.ts'

export const defaultDelegationMs = 1_800_000

/** Somebody has something act for them. */
export interface Delegation {
  /** For whom, and as what: the token that they showed. */
  readonly by: Authenticated
  /** An agent by the name that it is given here, or whoever has shown a token of their own. */
  readonly to: { readonly agent: string } | Authenticated
  /** What it is narrowed to, on top of what the tokens that were shown are narrowed to already. */
  readonly restriction: Restriction
  /** At most 12 hours, and never beyond the tokens that were shown; {@link defaultDelegationMs} where absent. */
  readonly lifetimeMs?: number | undefined
  readonly label: string
}

/**
 * Mints tokens by which something acts for somebody. Such a token has never more than the one by which it was made: it stands for the same
 * principal, with one more actor in front and one more restriction; it ends with it, and whatever ends that ends this.
 */
export class Delegations {
  readonly #store: Store
  readonly #tokens: Pick<Tokens, 'issueWithin'>
  readonly #clock: Clock

  constructor(parts: {
    readonly store: Store
    readonly tokens: Pick<Tokens, 'issueWithin'>
    readonly clock: Clock
  }) {
    this.#store = parts.store
    this.#tokens = parts.tokens
    this.#clock = parts.clock
  }

  /**
   * @returns a Refusal where a token that was shown is good no more, or may not be used like this
   * @throws RangeError for a lifetime that is not up to 12 hours
   */
  mint(delegation: Delegation): Promise<MintedToken | Refusal> {
    return this.#store.write(delegation.by.subject, 'delegate', (tx) => this.mintWithin(tx, delegation))
  }

  /** {@link mint}, as part of a larger change. */
  async mintWithin(tx: Writers, delegation: Delegation): Promise<MintedToken | Refusal> {
    const { by, to, restriction, lifetimeMs = defaultDelegationMs, label } = delegation
    if (!(lifetimeMs > 0 && lifetimeMs <= maxTokenMs)) throw new RangeError('a token lives at most 12 hours')
    const now = this.#clock.now()
    const parent = await standingToken(tx, by.token.id, now)
    if (parent === undefined) return invalidCredential()
    const other = 'agent' in to ? undefined : await standingToken(tx, to.token.id, now)
    const actor = 'agent' in to ? agentNamed(to.agent) : other && (await actorWith(tx, other))
    if (actor === undefined) return 'agent' in to ? badName : invalidCredential()
    const before = parent.actor
    const acting: Actor = before === null ? actor : { ...actor, act: before }
    const problem =
      wrongActor(parent, actor, other) ??
      (actorsOf(acting).length > maxActors ? tooDeep : wrongRestriction(restriction))
    if (problem !== undefined) return problem
    const scope = [
      ...(parent.scope ?? []),
      ...(other?.scope ?? []),
      ...(isEmpty(restriction) ? [] : [restriction]),
    ]
    return this.#tokens.issueWithin(tx, {
      principalId: parent.principalId,
      actor: acting,
      label,
      expiresAt: Math.min(now + lifetimeMs, parent.expiresAt, other?.expiresAt ?? Number.POSITIVE_INFINITY),
      issuer: parent.issuer,
      sshKey: parent.sshKey,
      signIn: parent.signIn,
      parent: parent.id,
      actorToken: other?.id ?? null,
      scope: scope.length === 0 ? null : scope,
      party: parent.party,
      mayAct: parent.mayAct,
    })
  }
}

function agentNamed(name: string): Actor | undefined {
  return isUserName(name) ? { kind: 'agent', id: `agent:${name}`, name } : undefined
}

/** Who has a token of their own, by their own hand. */
async function actorWith(tx: Writers, token: TokenRow): Promise<Actor | undefined> {
  if (token.actor !== null) return undefined
  const principal = await currentPrincipal(tx, token.principalId)
  return principal && { kind: principal.kind, id: principal.id, name: principal.name }
}

function wrongActor(parent: TokenRow, actor: Actor, other: TokenRow | undefined): Refusal | undefined {
  // Whoever acts for themselves would be taken for nobody's actor.
  if (actor.id === parent.principalId) return refusal('denied', 'nobody acts for themselves')
  const isMeant = parent.mayAct === null || (other?.party === parent.mayAct && parent.mayAct !== nobody)
  return isMeant
    ? undefined
    : refusal('denied', 'the token says who may act by it, and this is somebody else')
}

/** @returns a Refusal where it names too much, or what is no name */
export function wrongRestriction({ resources, accounts, actions }: Restriction): Refusal | undefined {
  for (const names of [resources, accounts, actions]) {
    if (names === undefined) continue
    if (names.length === 0 || names.length > maxNamedInRestriction || !names.every((it) => name.test(it)))
      return badRestriction
  }
  return undefined
}

function isEmpty(restriction: Restriction): boolean {
  return Object.values(restriction).every((it) => it === undefined)
}

const name = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,128}$/u
const badName = refusal(
  'denied',
  'an agent’s name has 1 to 63 lower-case letters, digits, dots, dashes and underscores',
)
const badRestriction = refusal(
  'denied',
  `a restriction names 1 to ${maxNamedInRestriction} of each, of 1 to 128 characters`,
)
const tooDeep = refusal(
  'denied',
  `at most ${maxActors} act for somebody, one through the other`,
  'have who acts already do it, or ask for a token nearer to its person',
)

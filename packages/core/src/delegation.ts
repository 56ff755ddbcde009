import type { Actor, Subject } from './identity.ts'

/** How many may act for a principal, one through the other. */
export const maxActors = 4

/** Whether somebody or something stands between the principal and what is done. */
export function isDelegated({ principal, actor, scope }: Subject): boolean {
  return actor.id !== principal.id || actor.act !== undefined || scope !== undefined
}

/** The actor and all who acted before it, the latest first. */
export function actorsOf(actor: Actor): Actor[] {
  const actors: Actor[] = []
  for (let one: Actor | undefined = actor; one !== undefined; one = one.act) actors.push(one)
  return actors
}

/**
 * An actor as people write one: `helper` is the agent `agent:helper`.
 * @param before agents that acted before it, the latest first
 */
export function actorCalled(kind: Actor['kind'], name: string, before: readonly string[] = []): Actor {
  const prefix = `${kind}:`
  const short = name.startsWith(prefix) ? name.slice(prefix.length) : name
  const actor = { kind, id: prefix + short, name: short }
  const [last, ...others] = before
  return last === undefined ? actor : { ...actor, act: actorCalled('agent', last, others) }
}

/**
 * Tells actors apart by the whole way that they came: `agent:helper via agent:claude` is not who `agent:helper` is. No id has a space
 * in it.
 */
export function actorKey(actor: Actor): string {
  return actorsOf(actor)
    .map(({ id }) => id)
    .join(' via ')
}

/**
 * Whoever acts, by what people call them: `alice`, `claude for alice`, `helper via claude for alice`. On one line, whatever is in it.
 * @param actors the latest first
 */
export function whoInWords(principal: Named, actors: readonly Named[]): string {
  const acts = actors.length > 1 || actors.some(({ id }) => id !== principal.id)
  const words = acts
    ? `${actors.map(({ name }) => name).join(' via ')} for ${principal.name}`
    : principal.name
  return words.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

/** The same by ids, as logs name them: `agent:claude for user:alice`. */
export function whoById({ principal, actor }: Pick<Subject, 'principal' | 'actor'>): string {
  return actor.id === principal.id && actor.act === undefined
    ? principal.id
    : `${actorKey(actor)} for ${principal.id}`
}

interface Named {
  readonly id: string
  readonly name: string
}

import { approvalsIn, groupsIn, type ReviewNeed } from '@sallyport/core'

/** Of one annotation, and of all that a decision asks for. */
export const maxApprovals = 10

/** What `@review` says, or what is wrong with it. */
export type ReadNeeds =
  | { readonly kind: 'needs'; readonly needs: readonly ReviewNeed[]; readonly isCounted: boolean }
  | { readonly kind: 'no-group' | 'words' | 'too-many' }

/**
 * Reads `dba`, `dba,security` (any of them), `dba & security` (all of them) and `2 dba,leads & security`. A number stands before its
 * groups with a space, since the name of a group may end in a colon and a number.
 */
export function readNeeds(text: string): ReadNeeds {
  const parts = text.split('&').map((part) => /^(?:(\d+)\s+)?(.*)$/s.exec(part.trim()))
  const needs = parts.map((part) => ({
    groups: namesIn(part?.[2] ?? ''),
    approvals: part?.[1] === undefined ? 1 : Number(part[1]),
  }))
  if (needs.some(({ groups }) => groups.includes(''))) return { kind: 'no-group' }
  if (needs.some(({ groups }) => groups.some((group) => /\s(?:and|or)\s/i.test(group))))
    return { kind: 'words' }
  if (needs.some(({ approvals }) => approvals === 0) || approvalsIn(needs) > maxApprovals)
    return { kind: 'too-many' }
  const isCounted = parts.length > 1 || parts.some((part) => part?.[1] !== undefined)
  return { kind: 'needs', needs: needs.reduce<readonly ReviewNeed[]>(withOneMore, []), isCounted }
}

/** Names with commas between them, each once. */
export function namesIn(text: string): string[] {
  return [...new Set(text.split(',').map((name) => name.trim()))]
}

/**
 * Where several permit the same, each for itself: any of their groups may answer, as often as the one that asks for most. Where one of
 * them asks for several groups, what each of them asks for is asked for.
 */
export function anyOf(all: readonly (readonly ReviewNeed[])[]): readonly ReviewNeed[] {
  const isForOne = all.every((needs) => needs.length === 1)
  return isForOne
    ? [{ groups: groupsIn(all.flat()), approvals: Math.max(...all.map(approvalsIn)) }]
    : allOf(all)
}

/**
 * What meets each of them, each for itself. One approval may count for a need of each: so where two have groups in common, those who are
 * in these answer for both.
 */
export function allOf(all: readonly (readonly ReviewNeed[])[]): readonly ReviewNeed[] {
  return all.reduce((met, needs) => {
    const left = [...needs]
    const same = met.map((need) => takeOut(left, (other) => isSame(other, need)))
    const both = met.map((need, i) => {
      const other = same[i] ?? takeOut(left, (it) => shared(it, need).length > 0)
      if (other === undefined) return need
      return { groups: shared(need, other), approvals: Math.max(need.approvals, other.approvals) }
    })
    return [...both, ...left].reduce<readonly ReviewNeed[]>(withOneMore, [])
  })
}

/** Two of the same groups are one of both. */
function withOneMore(needs: readonly ReviewNeed[], need: ReviewNeed): readonly ReviewNeed[] {
  const i = needs.findIndex((other) => isSame(other, need))
  const other = needs[i]
  if (other === undefined) return [...needs, need]
  return needs.with(i, { groups: other.groups, approvals: other.approvals + need.approvals })
}

function takeOut<T>(from: T[], which: (one: T) => boolean): T | undefined {
  const i = from.findIndex(which)
  return i < 0 ? undefined : from.splice(i, 1)[0]
}

function isSame(a: ReviewNeed, b: ReviewNeed): boolean {
  return a.groups.length === b.groups.length && shared(a, b).length === a.groups.length
}

function shared({ groups }: ReviewNeed, other: ReviewNeed): string[] {
  return groups.filter((group) => other.groups.includes(group))
}

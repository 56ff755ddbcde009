/** So many approvals, by different people, each of whom is in one of these groups. */
export interface ReviewNeed {
  readonly groups: readonly string[]
  readonly approvals: number
}

/**
 * What is missing of all these needs together. Of each person one approval counts, for one need: whoever is in the groups of two of
 * them stands for one or the other, whichever makes more of the needs complete.
 *
 * @param approvers the groups of everybody who approved, each person once
 * @returns nothing where nothing is missing. Of each need that is incomplete, how many are missing and all groups out of which one more
 *   would help: those of other needs too, where somebody who stands for one of those can stand for this one instead
 */
export function openNeeds(
  needs: readonly ReviewNeed[],
  approvers: readonly (readonly string[])[],
): readonly ReviewNeed[] {
  const seats = new Seats(needs, approvers)
  return needs.flatMap(({ approvals }, need) => {
    const missing = approvals - seats.taken(need)
    if (missing === 0) return []
    const groups = seats.reaching(need).flatMap((other) => needs[other]?.groups ?? [])
    return [{ groups: [...new Set(groups)], approvals: missing }]
  })
}

/** Whether they have approved it. Needs that ask for nobody are met by nobody. */
export function areMet(needs: readonly ReviewNeed[], approvers: readonly (readonly string[])[]): boolean {
  return needs.length > 0 && openNeeds(needs, approvers).length === 0
}

/** Whoever is in one of these may answer. */
export function groupsIn(needs: readonly ReviewNeed[]): string[] {
  return [...new Set(needs.flatMap(({ groups }) => groups))]
}

/** Whether somebody in these groups may answer. */
export function areAsked(groups: readonly string[], needs: readonly ReviewNeed[]): boolean {
  return needs.some((need) => need.groups.some((group) => groups.includes(group)))
}

/** Of so many different people. */
export function approvalsIn(needs: readonly ReviewNeed[]): number {
  return needs.reduce((sum, { approvals }) => sum + approvals, 0)
}

/** `approval by dba`, `2 approvals by dba or leads, and 1 by security`. */
export function needsInWords(needs: readonly ReviewNeed[]): string {
  const isOneEach = needs.every(({ approvals }) => approvals === 1)
  const words = needs.map(({ groups, approvals }, i) => {
    const many = i === 0 ? (approvals === 1 && isOneEach ? 'approval ' : `${counted(approvals)} `) : ''
    const more = i > 0 && !isOneEach ? `${approvals} ` : ''
    return `${many}${more}by ${groups.join(' or ')}`
  })
  return words.join(', and ')
}

/** As a policy writes them: `2 dba,leads & security`. */
export function needsAsWritten(needs: readonly ReviewNeed[]): string {
  return needs
    .map(({ groups, approvals }) => `${approvals === 1 ? '' : `${approvals} `}${groups.join(',')}`)
    .join(' & ')
}

function counted(approvals: number): string {
  return approvals === 1 ? '1 approval' : `${approvals} approvals`
}

/** As many approvers as can be, each in a seat of one need: a maximum matching, made longer by one path after another. */
class Seats {
  readonly #needs: readonly ReviewNeed[]
  readonly #approvers: readonly (readonly string[])[]
  /** Who stands for each need. */
  readonly #seated: Set<number>[]

  constructor(needs: readonly ReviewNeed[], approvers: readonly (readonly string[])[]) {
    this.#needs = needs
    this.#approvers = approvers
    this.#seated = needs.map(() => new Set())
    for (const approver of approvers.keys()) this.#seat(approver, new Set())
  }

  taken(need: number): number {
    return this.#seated[need]?.size ?? 0
  }

  /** The need itself, and those of which somebody could move to it, directly or by others' moving. */
  reaching(need: number): number[] {
    const reached = new Set([need])
    // A set gives what is added while it is walked through, too.
    for (const to of reached)
      for (const from of this.#needs.keys())
        if ([...(this.#seated[from] ?? [])].some((approver) => this.#fits(approver, to))) reached.add(from)
    return [...reached].sort((a, b) => a - b)
  }

  /** Where all seats that fit are taken, somebody in one of them may fit elsewhere. */
  #seat(approver: number, tried: Set<number>): boolean {
    for (const [need, { approvals }] of this.#needs.entries()) {
      const seated = this.#seated[need]
      if (seated === undefined || tried.has(need) || !this.#fits(approver, need)) continue
      tried.add(need)
      const moved =
        seated.size < approvals ? undefined : [...seated].find((other) => this.#seat(other, tried))
      if (seated.size >= approvals && moved === undefined) continue
      if (moved !== undefined) seated.delete(moved)
      seated.add(approver)
      return true
    }
    return false
  }

  #fits(approver: number, need: number): boolean {
    const groups = this.#needs[need]?.groups ?? []
    return this.#approvers[approver]?.some((group) => groups.includes(group)) === true
  }
}

/** What a delegated token is narrowed to. What is left out is not narrowed, and all that is there must hold. */
export interface Restriction {
  /** Names. */
  readonly resources?: readonly string[]
  /** Accounts on the targets. */
  readonly accounts?: readonly string[]
  /** Actions and groups of actions, as policies name them, and `unmask`. To connect need not be named. */
  readonly actions?: readonly string[]
  /** What somebody would have to approve first is denied: nobody is asked. */
  readonly asksNobody?: true
}

/** How much one restriction may name of each. */
export const maxNamedInRestriction = 50

/** Whether a delegation reaches one account of one resource at all. */
export function reaches(
  scope: readonly Restriction[] | undefined,
  resource: string,
  account: string,
): boolean {
  return (scope ?? []).every(
    ({ resources, accounts }) =>
      (resources?.includes(resource) ?? true) && (accounts?.includes(account) ?? true),
  )
}

/** One line about a provider's set-up: what is so, and, unless it is good, how to mend it. */
export interface Finding {
  readonly state: 'good' | 'warning' | 'bad'
  readonly detail: string
  readonly next?: string
}

/** One thing to look at. */
export interface Look {
  readonly name: string
  readonly look: () => Promise<Finding>
}

export const good = (detail: string): Finding => ({ state: 'good', detail })
export const warning = (detail: string, next: string): Finding => ({ state: 'warning', detail, next })
export const bad = (detail: string, next: string): Finding => ({ state: 'bad', detail, next })

import type { Decision } from '@sallyport/core'

/** A decision in one sentence: `denied by no-unfiltered-writes: UPDATE and DELETE need a WHERE clause`. */
export function explain(decision: Decision): string {
  const by = decision.policies.length > 0 ? ` by ${decision.policies.join(', ')}` : ''
  const why = decision.reason === undefined ? '' : `: ${decision.reason}`
  switch (decision.effect) {
    case 'allow':
      return `allowed${by}${why}`
    case 'deny':
      return `denied${by}${why}`
    case 'review': {
      const { reviewers, approvals, withinMs } = decision.terms
      const times = approvals === 1 ? 'once' : `${approvals} times`
      return `allowed${by} when approved ${times} by ${reviewers.join(' or ')} within ${duration(withinMs)}${why}`
    }
  }
}

function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  if (ms % 60_000 === 0) return `${ms / 60_000} min`
  return `${ms / 1000} s`
}

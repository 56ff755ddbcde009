import { signInInWords, watchersInWords, type ConnectDecision, type ReviewTerms } from '@sallyport/core'
import { gatewayVerdicts } from './annotations.ts'

/** A decision in one sentence: `denied by no-unfiltered-writes: UPDATE and DELETE need a WHERE clause`. */
export function explain(decision: ConnectDecision): string {
  const by = decision.policies.length > 0 ? ` by ${decision.policies.join(', ')}` : ''
  const { watchers } = decision.obligations
  const watched = watchers === undefined ? '' : ` while ${watchersInWords(watchers)} watches`
  const why = decision.reason === undefined ? '' : `: ${decision.reason}`
  switch (decision.effect) {
    case 'allow':
      return `allowed${by}${watched}${why}`
    case 'deny':
      return `denied${by}${why}`
    case 'step-up': {
      const those = decision.policies.filter((id) => id !== gatewayVerdicts.stepUp)
      return `allowed with ${signInInWords(decision.signIn)}, which ${those.join(', ')} ${those.length === 1 ? 'asks' : 'ask'} for${why}`
    }
    case 'review':
      return `allowed${by} when approved ${asked(decision.terms)}${watched}${why}`
    case 'request': {
      const { terms } = decision
      return `allowed${by} for up to ${duration(terms.durationMs)} when a request is approved ${asked(terms)}${why}`
    }
  }
}

function asked({ needs, withinMs }: ReviewTerms): string {
  const by = needs.map(({ groups, approvals }) => {
    const times = approvals === 1 ? 'once' : `${approvals} times`
    return `${times} by ${groups.join(' or ')}`
  })
  return `${by.join(', and ')} within ${duration(withinMs)}`
}

function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`
  if (ms % 60_000 === 0) return `${ms / 60_000} min`
  return `${ms / 1000} s`
}

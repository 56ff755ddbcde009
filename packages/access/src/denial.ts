import {
  refusal,
  type ConnectDecision,
  type Decision,
  type Facts,
  type Refusal,
  type RefusalCode,
} from '@sallyport/core'
import { gatewayVerdicts } from '@sallyport/policy'

/** A denial in words for the client: the policy's own, where it has any. */
export function denied(decision: Decision, facts: readonly Facts[]): Refusal {
  return refusal(codeOf(decision, facts), decision.reason ?? 'policy forbids this')
}

/** It is permitted at another hour: so they may know of it. */
export function isOutsideHours({ policies }: ConnectDecision): boolean {
  return policies.includes(gatewayVerdicts.outsideHours)
}

function codeOf({ policies }: Decision, facts: readonly Facts[]): RefusalCode {
  if (policies.includes(gatewayVerdicts.maskedColumn)) return 'masked-column'
  if (policies.includes(gatewayVerdicts.tooComplex)) return 'too-complex'
  if (facts.some(({ actions }) => actions.includes('unparsed'))) return 'unparsed'
  return 'denied'
}

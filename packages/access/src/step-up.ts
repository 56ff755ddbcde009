import {
  refusal,
  signInInWords,
  type ConnectDecision,
  type Refusal,
  type SignInTerms,
  type Subject,
} from '@sallyport/core'
import type { Authenticated } from '@sallyport/identity'

/** Where people sign in anew, so that what stands by their sign-in stands by that. */
export interface StepUpDoor {
  /** The address of the page; undefined where nobody can sign in anew by it. */
  pageOf(signIn: NonNullable<Authenticated['token']['signIn']>): string | undefined
}

type StepUpDecision = ConnectDecision & { readonly effect: 'step-up' }

/** Nothing is missing but a sign-in: what it must be, and where to get it. */
export function needsStepUp(
  { signIn: terms, reason }: StepUpDecision,
  who: {
    readonly subject: Subject
    readonly token: Pick<Authenticated['token'], 'signIn'>
    readonly door: StepUpDoor
  },
  then: 'run it again' | 'connect again',
): Refusal {
  const why = reason === undefined ? '' : ` (${reason})`
  return refusal('step-up', `this needs ${signInInWords(terms)}${why}`, nextStep(terms, who, then))
}

function nextStep(
  terms: SignInTerms,
  { subject: { principal, actor }, token: { signIn }, door }: Parameters<typeof needsStepUp>[1],
  then: string,
): string | undefined {
  if (principal.kind === 'workload') return undefined
  const page = signIn === undefined ? undefined : door.pageOf(signIn)
  const acr = terms.acr?.[0]
  const login = `sallyport login${acr === undefined ? '' : ` --acr ${acr}`}`
  if (page === undefined) return `sign in anew, and connect again: ${login}`
  const who = actor.id === principal.id ? 'open' : `it is for ${principal.name} to open`
  return `${who} ${page}?${queryOf(terms)} , then ${then}`
}

/** What {@link StepUpDoor} is asked for, in the page's address. */
function queryOf({ acr, maxAgeMs }: SignInTerms): string {
  const parts = [
    ...(acr === undefined ? [] : [`acr=${acr.map(encodeURIComponent).join('+')}`]),
    ...(maxAgeMs === undefined ? [] : [`max_age=${Math.ceil(maxAgeMs / 1000)}`]),
  ]
  return parts.join('&')
}

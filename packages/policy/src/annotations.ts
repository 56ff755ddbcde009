import type { ReviewTerms } from '@sallyport/core'
import { didYouMean } from './closest.ts'

/** What a policy's annotations say. */
export interface Annotations {
  readonly id?: string
  readonly reason?: string
  /** On a permit: it permits only after this review. */
  readonly review?: ReviewTerms
}

/** An annotation that is wrong, by name, so that the file's reader can find its line. */
export interface AnnotationProblem {
  readonly annotation: string
  readonly message: string
}

/** Names that decisions use for what no policy decided. No policy may take them. */
export const gatewayVerdicts = {
  maskedColumn: 'masked-column',
  evaluationError: 'evaluation-error',
  tooComplex: 'too-complex',
  differentReviewers: 'different-reviewers',
} as const

const known = ['id', 'reason', 'review', 'reviewers', 'within']
const knownNames = known.map((name) => `@${name}`)
const defaultApprovals = 1
const maxApprovals = 10
const defaultWithin = '15m'
const maxWithinMs = 24 * 3_600_000
const maxReasonLength = 300
const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }

/** Reads `@id @reason @review @reviewers @within`; an annotation without a value is `null`. */
export function readAnnotations(
  effect: 'permit' | 'forbid',
  given: Readonly<Record<string, string | null>>,
): { annotations: Annotations; problems: AnnotationProblem[] } {
  const problems: AnnotationProblem[] = []
  const complain = (annotation: string, message: string): void => void problems.push({ annotation, message })

  for (const name of Object.keys(given))
    if (!known.includes(name))
      complain(name, `unknown annotation @${name}${didYouMean(`@${name}`, knownNames)}`)

  const { id, reason, review, reviewers, within } = given
  if (id !== undefined && !isUsableId(id ?? ''))
    complain(
      'id',
      '@id needs a name of letters, digits, ".", "_", "/" and "-", not one that the gateway uses',
    )
  if (reason !== undefined && !isUsableReason(reason ?? ''))
    complain('reason', `@reason needs one line of text, at most ${maxReasonLength} characters`)

  const annotations = { ...(id ? { id } : {}), ...(reason ? { reason } : {}) }
  if (review === undefined) {
    for (const name of ['reviewers', 'within'])
      if (name in given) complain(name, `@${name} says nothing without @review`)
    return { annotations, problems }
  }

  if (effect === 'forbid')
    complain('review', '@review belongs on a permit: a forbid refuses whatever reviewers say')
  const groups = [...new Set((review ?? '').split(',').map((group) => group.trim()))]
  if (groups.includes(''))
    complain('review', '@review needs the group that answers, or several: @review("dba,security")')
  const approvals = reviewers === undefined ? defaultApprovals : Number(reviewers ?? '')
  if (!Number.isInteger(approvals) || approvals < 1 || approvals > maxApprovals)
    complain('reviewers', `@reviewers needs a number from 1 to ${maxApprovals}: @reviewers("2")`)
  const withinMs = durationMs(within === undefined ? defaultWithin : (within ?? ''))
  if (withinMs === undefined)
    complain('within', '@within needs a number and s, m or h, from 1s to 24h: @within("15m")')

  return {
    annotations: { ...annotations, review: { reviewers: groups, approvals, withinMs: withinMs ?? 0 } },
    problems,
  }
}

function isUsableId(id: string): boolean {
  const isReserved = Object.values(gatewayVerdicts).some((verdict) => verdict === id)
  return /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/.test(id) && !isReserved
}

/** Nothing that could break a line or a terminal where it is shown. */
function isUsableReason(reason: string): boolean {
  return (
    reason.trim() !== '' && reason.length <= maxReasonLength && !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(reason)
  )
}

function durationMs(text: string): number | undefined {
  const [, count, unit = ''] = /^([0-9]{1,6})([smh])$/.exec(text) ?? []
  const durationMs = Number(count) * (unitsMs[unit] ?? Number.NaN)
  return durationMs > 0 && durationMs <= maxWithinMs ? durationMs : undefined
}

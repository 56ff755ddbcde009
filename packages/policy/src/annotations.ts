import type { RequestTerms, ReviewNeed, ReviewTerms, SignInTerms, Watchers } from '@sallyport/core'
import { didYouMean } from './closest.ts'
import { readHours, type Hours } from './hours.ts'
import { maxApprovals, namesIn, readNeeds } from './needs.ts'

/** What a policy's annotations say. */
export interface Annotations {
  readonly id?: string
  readonly reason?: string
  /** On a permit: it permits only after this review. */
  readonly review?: ReviewTerms
  /** On a permit to connect: it permits while a grant lasts that was asked for and approved like this. */
  readonly request?: RequestTerms
  /** On a permit: it permits only while these watch. */
  readonly watchers?: Watchers
  /** On a permit: when it may be used; at any time where absent. */
  readonly hours?: Hours
  /** A permit permits only who has signed in like this; a forbid forbids everybody else. */
  readonly stepUp?: SignInTerms
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
  tooManyApprovals: 'too-many-approvals',
  outsideHours: 'outside-hours',
  notDelegated: 'not-delegated',
  stepUp: 'step-up',
  noSignInFits: 'no-sign-in-fits',
} as const

const known = [
  'id', 'reason', 'hours', 'watched', 'stepup', 'max_age', 'review', 'request', 'reviewers', 'within', 'duration', 'breakglass',
] // prettier-ignore
const knownNames = known.map((name) => `@${name}`)
const hourMs = 3_600_000
/** How long an operation, and a request for access, may wait for an answer. */
const waits = {
  review: { unless: '15m', maxMs: 24 * hourMs, max: '24h', example: '15m' },
  request: { unless: '24h', maxMs: 168 * hourMs, max: '168h', example: '8h' },
}
const defaultDuration = '1h'
const maxDurationMs = 168 * hourMs
const maxReasonLength = 300
const maxClasses = 10
const maxAgeLimitMs = 168 * hourMs
const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: hourMs }

type Given = Readonly<Record<string, string | null>>
type Complain = (annotation: string, message: string) => void

/** Reads them; an annotation without a value is `null`. */
export function readAnnotations(
  effect: 'permit' | 'forbid',
  given: Given,
): { annotations: Annotations; problems: AnnotationProblem[] } {
  const problems: AnnotationProblem[] = []
  const complain: Complain = (annotation, message) => void problems.push({ annotation, message })

  for (const name of Object.keys(given))
    if (!known.includes(name))
      complain(name, `unknown annotation @${name}${didYouMean(`@${name}`, knownNames)}`)

  const { id, reason, review, request } = given
  if (id !== undefined && !isUsableId(id ?? ''))
    complain(
      'id',
      '@id needs a name of letters, digits, ".", "_", "/" and "-", not one that the gateway uses',
    )
  if (reason !== undefined && !isUsableReason(reason ?? ''))
    complain('reason', `@reason needs one line of text, at most ${maxReasonLength} characters`)

  const hours = hoursOf(effect, given, complain)
  const watchers = watchersOf(effect, given, complain)
  const stepUp = stepUpOf(given, complain)
  const annotations = {
    ...(id ? { id } : {}),
    ...(reason ? { reason } : {}),
    ...(hours ? { hours } : {}),
    ...(watchers ? { watchers } : {}),
    ...(stepUp ? { stepUp } : {}),
  }
  complainOfStrays(given, complain)
  if (request !== undefined) {
    if (effect === 'forbid')
      complain('request', '@request belongs on a permit: a forbid refuses whatever was granted')
    if (review !== undefined)
      complain('review', '@review holds operations, @request lets in: a permit has one of them')
    return { annotations: { ...annotations, request: requestTerms(given, complain) }, problems }
  }
  if (review === undefined) return { annotations, problems }
  if (effect === 'forbid')
    complain('review', '@review belongs on a permit: a forbid refuses whatever reviewers say')
  return { annotations: { ...annotations, review: reviewTerms('review', given, complain) }, problems }
}

function hoursOf(effect: 'permit' | 'forbid', { hours }: Given, complain: Complain): Hours | undefined {
  if (hours === undefined) return undefined
  if (effect === 'forbid')
    complain('hours', '@hours belongs on a permit: what is forbidden is so at any hour')
  const read = readHours(hours ?? '')
  if (read === undefined)
    complain('hours', '@hours needs days, times and a time zone: @hours("mon-fri 08:00-18:00 Europe/Berlin")')
  return read
}

function watchersOf(effect: 'permit' | 'forbid', given: Given, complain: Complain): Watchers | undefined {
  const { watched } = given
  if (watched === undefined) return undefined
  if (effect === 'forbid')
    complain('watched', '@watched belongs on a permit: what is forbidden is so whoever watches')
  if ('request' in given)
    complain(
      'watched',
      '@watched is for what goes on, @request lets in: write it on the permit for the operations',
    )
  const read = readNeeds(watched ?? '')
  if (read.kind !== 'needs' || read.needs.some(({ approvals }) => approvals !== 1))
    complain(
      'watched',
      '@watched needs the group that watches. Any of several: @watched("dba,security"); somebody of each: @watched("dba & security")',
    )
  return read.kind === 'needs' ? read.needs.map(({ groups }) => groups) : []
}

function stepUpOf(given: Given, complain: Complain): SignInTerms | undefined {
  const { stepup, max_age: age } = given
  if (stepup === undefined && age === undefined) return undefined
  const acr = stepup === undefined ? undefined : namesIn(stepup ?? '')
  if (acr !== undefined && (acr.length > maxClasses || !acr.every(isUsableClass)))
    complain(
      'stepup',
      `@stepup needs what the provider calls such a sign-in, its acr, or up to ${maxClasses} of which any will do: @stepup("phr,phrh")`,
    )
  const maxAgeMs = age === undefined ? undefined : durationMs(age ?? '', maxAgeLimitMs)
  if (age !== undefined && maxAgeMs === undefined)
    complain('max_age', '@max_age needs a number and s, m or h, from 1s to 168h: @max_age("15m")')
  return {
    ...(acr !== undefined && { acr }),
    ...(age !== undefined && { maxAgeMs: maxAgeMs ?? 0 }),
  }
}

/** In a request they stand parted by spaces. */
function isUsableClass(acr: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(acr)
}

function complainOfStrays(given: Given, complain: Complain): void {
  const isReviewed = 'review' in given || 'request' in given
  for (const name of ['reviewers', 'within'])
    if (name in given && !isReviewed) complain(name, `@${name} says nothing without @review or @request`)
  for (const name of ['duration', 'breakglass'])
    if (name in given && !('request' in given)) complain(name, `@${name} says nothing without @request`)
}

function reviewTerms(kind: 'review' | 'request', given: Given, complain: Complain): ReviewTerms {
  const { within } = given
  const { unless, maxMs, max, example } = waits[kind]
  const withinMs = durationMs(within === undefined ? unless : (within ?? ''), maxMs)
  if (withinMs === undefined)
    complain('within', `@within needs a number and s, m or h, from 1s to ${max}: @within("${example}")`)
  return { needs: needsOf(kind, given, complain), withinMs: withinMs ?? 0 }
}

function needsOf(kind: 'review' | 'request', given: Given, complain: Complain): readonly ReviewNeed[] {
  const { reviewers } = given
  const read = readNeeds(given[kind] ?? '')
  const approvals = Number(reviewers ?? '')
  if (reviewers !== undefined && (!Number.isInteger(approvals) || approvals < 1 || approvals > maxApprovals))
    complain('reviewers', `@reviewers needs a number from 1 to ${maxApprovals}: @reviewers("2")`)
  switch (read.kind) {
    case 'no-group':
      complain(
        kind,
        `@${kind} needs the group that answers. Any of several: @${kind}("dba,security"); all of them: @${kind}("dba & security")`,
      )
      return []
    case 'words':
      complain(
        kind,
        `@${kind} takes a comma where any of the groups may answer, and & where all of them must: @${kind}("dba & security")`,
      )
      return []
    case 'too-many':
      complain(kind, `@${kind} asks for 1 to ${maxApprovals} approvals in all: @${kind}("2 dba & security")`)
      return []
    case 'needs':
      if (reviewers === undefined) return read.needs
      if (read.isCounted)
        complain(
          'reviewers',
          `@reviewers says nothing where @${kind} counts: write the number before its groups, @${kind}("2 dba & security")`,
        )
      return read.needs.map(({ groups }) => ({ groups, approvals }))
  }
}

function requestTerms(given: Given, complain: Complain): RequestTerms {
  const { duration, breakglass } = given
  const longest = durationMs(duration === undefined ? defaultDuration : (duration ?? ''), maxDurationMs)
  if (longest === undefined)
    complain('duration', '@duration needs a number and s, m or h, from 1s to 168h: @duration("4h")')
  const breakGlass = breakglass === undefined ? [] : namesIn(breakglass ?? '')
  if (breakGlass.includes(''))
    complain(
      'breakglass',
      '@breakglass needs the group that may let itself in, or several: @breakglass("oncall")',
    )
  return { ...reviewTerms('request', given, complain), durationMs: longest ?? 0, breakGlass }
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

/** `15m` in milliseconds; undefined where it is none, or more than may be. */
export function durationMs(text: string, maxMs: number): number | undefined {
  const [, count, unit = ''] = /^([0-9]{1,6})([smh])$/.exec(text) ?? []
  const durationMs = Number(count) * (unitsMs[unit] ?? Number.NaN)
  return durationMs > 0 && durationMs <= maxMs ? durationMs : undefined
}

import type { Sample } from './sample.ts'
import { condensed, middle, slopePerHour, type Point } from './trend.ts'

/** Something that is measured all along, and what it should look like. */
export interface Line {
  readonly id: string
  readonly title: string
  /** One sentence for whoever reads the report. */
  readonly meaning: string
  readonly unit: 'bytes' | 'count' | 'ms' | 'per second'
  /** Undefined where a sample does not have it. */
  readonly value: (sample: Sample) => number | undefined
  readonly take: 'least' | 'middle'
  /** Which way it may not go. */
  readonly mayNot: 'rise' | 'fall'
  /** What it may change over the judged part: a share of its level, or at least so much. */
  readonly tolerance: { readonly share: number; readonly least: number }
  /** Why it may go that way all the same, where it may. */
  readonly reason?: string | ((samples: readonly Sample[]) => string | undefined)
}

export interface Verdict {
  /** `explained`: it goes where it may not, for a stated reason. `too short`: the run is over before anything is warm. */
  readonly state: 'flat' | 'rises' | 'falls' | 'explained' | 'too short'
  /** In the line's unit, over the judged part. */
  readonly slopePerHour: number
  readonly toleratedPerHour: number
  /** The middle value of the judged part. */
  readonly level: number
  /** Why it may go where it goes. */
  readonly reason: string | undefined
  /** From when on it was judged, since the start. */
  readonly judgedFromMs: number
  /** What the slope was fitted to. */
  readonly points: readonly Point[]
}

/** Before a third of the run, and ten minutes at most, caches fill and code is compiled. */
const warmUpShare = 1 / 3
const longestWarmUpMs = 600_000
/** A shorter run shows nothing but the warm-up. */
const shortestRunMs = 180_000
const spans = 40

export function judge(line: Line, samples: readonly Sample[]): Verdict {
  const lengthMs = samples.at(-1)?.atMs ?? 0
  const judgedFromMs = Math.min(lengthMs * warmUpShare, longestWarmUpMs)
  const judged = pointsOf(line, samples).filter(({ atMs }) => atMs >= judgedFromMs)
  const points = condensed(judged, spans, line.take)
  const level = middle(points.map(({ value }) => value))
  const hours = (lengthMs - judgedFromMs) / 3_600_000
  const tolerated = Math.max(Math.abs(level) * line.tolerance.share, line.tolerance.least)
  const toleratedPerHour = hours > 0 ? tolerated / hours : 0
  const slope = slopePerHour(points)
  const reason = typeof line.reason === 'function' ? line.reason(samples) : line.reason
  const known = { slopePerHour: slope, toleratedPerHour, level, reason, judgedFromMs, points }
  if (lengthMs < shortestRunMs || points.length < spans / 2) return { ...known, state: 'too short' }
  const isOut = line.mayNot === 'rise' ? slope > toleratedPerHour : -slope > toleratedPerHour
  if (!isOut) return { ...known, state: 'flat' }
  if (reason !== undefined) return { ...known, state: 'explained' }
  return { ...known, state: line.mayNot === 'rise' ? 'rises' : 'falls' }
}

export function pointsOf(line: Line, samples: readonly Sample[]): Point[] {
  return samples.flatMap((sample) => {
    const value = line.value(sample)
    return value === undefined ? [] : [{ atMs: sample.atMs, value }]
  })
}

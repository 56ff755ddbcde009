export interface Point {
  /** Since the start of the run. */
  readonly atMs: number
  readonly value: number
}

/**
 * One point for each of so many equal spans of time: the least value in it, or the middle one. The least of memory is what
 * was left after garbage was collected.
 */
export function condensed(points: readonly Point[], spans: number, take: 'least' | 'middle'): Point[] {
  const first = points[0]?.atMs ?? 0
  const length = (points.at(-1)?.atMs ?? 0) - first
  const spanMs = Math.max(1, length / spans)
  const groups = Map.groupBy(points, ({ atMs }) => Math.min(spans - 1, Math.floor((atMs - first) / spanMs)))
  return [...groups].map(([group, inIt]) => {
    const sorted = inIt.map(({ value }) => value).toSorted((a, b) => a - b)
    const at = take === 'least' ? 0 : Math.floor(sorted.length / 2)
    return { atMs: first + (group + 0.5) * spanMs, value: sorted[at]! }
  })
}

/** The middle one of the slopes between all pairs (Theil and Sen): a spike here and there does not move it. 0 of one point. */
export function slopePerHour(points: readonly Point[]): number {
  const slopes: number[] = []
  for (const [at, one] of points.entries())
    for (const other of points.slice(at + 1))
      if (other.atMs !== one.atMs)
        slopes.push(((other.value - one.value) / (other.atMs - one.atMs)) * 3_600_000)
  return middle(slopes)
}

/** 0 of nothing. */
export function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

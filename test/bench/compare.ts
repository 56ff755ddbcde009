import { routeNames } from './route.ts'
import type { Result } from './results.ts'
import type { Spread } from './spread.ts'

/** One figure before and after a change. */
export interface Change {
  readonly what: string
  readonly unit: string
  readonly before: Spread
  readonly after: Spread
  /** After, as a share of before. */
  readonly ratio: number
  /** `noise` where what was measured before and after overlaps. */
  readonly verdict: 'better' | 'worse' | 'noise'
}

/** Every figure that both have, and every process's CPU time. */
export function compare(earlier: readonly Result[], later: readonly Result[]): readonly Change[] {
  const changes: Change[] = []
  for (const result of later) {
    const old = earlier.find(({ name, unit }) => name === result.name && unit === result.unit)
    for (const route of routeNames) {
      const [before, after] = [old?.routes[route], result.routes[route]]
      if (!before || !after) continue
      const what = `${result.name}, ${route}`
      changes.push(changeOf(what, result.unit, before.spread, after.spread, result.better))
      for (const [process, cost] of Object.entries(after.cpu)) {
        const earlierCost = before.cpu[process]
        if (!earlierCost) continue
        const unit = `µs/${result.work}`
        changes.push(changeOf(`${what}, CPU of ${process}`, unit, earlierCost, cost, 'lower'))
      }
    }
  }
  return changes
}

function changeOf(
  what: string,
  unit: string,
  before: Spread,
  after: Spread,
  better: 'higher' | 'lower',
): Change {
  const isApart = after.least > before.most || after.most < before.least
  const isBetter = after.median > before.median === (better === 'higher')
  const verdict = isApart ? (isBetter ? 'better' : 'worse') : 'noise'
  return { what, unit, before, after, ratio: after.median / before.median, verdict }
}

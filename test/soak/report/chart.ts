import type { Judged } from '../run.ts'
import { pointsOf } from '../judge.ts'
import type { Restart } from '../load.ts'
import type { Sample } from '../sample.ts'
import type { Point } from '../trend.ts'
import { escaped, shown } from './format.ts'

const width = 860
const height = 250
const margin = { top: 14, right: 14, bottom: 30, left: 66 }

/** One line over time: what was seen, what it was condensed to, the slope through that, and when the agent was restarted. */
export function chart(
  { line, verdict }: Judged,
  samples: readonly Sample[],
  restarts: readonly Restart[],
): string {
  const seen = pointsOf(line, samples)
  const lengthMs = Math.max(1, samples.at(-1)?.atMs ?? 1)
  const values = seen.map(({ value }) => value)
  // The wildest one in two hundred must not flatten all others.
  const sorted = values.toSorted((a, b) => a - b)
  const most = sorted[Math.floor((sorted.length - 1) * 0.995)] ?? 1
  const ticks = niceTicks(Math.min(0, sorted[0] ?? 0), most * 1.05, line.unit === 'bytes')
  const [low, high] = [ticks[0]!, ticks.at(-1)!]
  const x = (ms: number): number => margin.left + (ms / lengthMs) * (width - margin.left - margin.right)
  const y = (value: number): number =>
    margin.top +
    (1 - (Math.min(value, high) - low) / (high - low || 1)) * (height - margin.top - margin.bottom)
  const path = (points: readonly Point[]): string =>
    points
      .map(({ atMs, value }, at) => `${at === 0 ? 'M' : 'L'}${round(x(atMs))} ${round(y(value))}`)
      .join('')
  const floor = height - margin.bottom
  const area =
    seen.length === 0
      ? ''
      : `${path(seen)}L${round(x(seen.at(-1)!.atMs))} ${floor}L${round(x(seen[0]!.atMs))} ${floor}Z`
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(line.title)} over time">
<rect class="warm" x="${margin.left}" y="${margin.top}" width="${round(x(verdict.judgedFromMs) - margin.left)}" height="${floor - margin.top}"/>
${ticks.map((tick) => `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${round(y(tick))}" y2="${round(y(tick))}"/><text class="tick" x="${margin.left - 10}" y="${round(y(tick) + 4)}" text-anchor="end">${shown(tick, line.unit)}</text>`).join('\n')}
${timeTicks(lengthMs)
  .map(
    ({ ms, words }) =>
      `<text class="tick" x="${round(x(ms))}" y="${floor + 20}" text-anchor="middle">${words}</text>`,
  )
  .join('\n')}
${restarts.map(({ fromMs, how }) => `<line class="restart" x1="${round(x(fromMs))}" x2="${round(x(fromMs))}" y1="${floor - 7}" y2="${floor}"><title>agent restarted by ${how}</title></line>`).join('')}
<path class="area" d="${area}"/>
<path class="seen" d="${path(seen)}"/>
${verdict.points.map(({ atMs, value }) => `<circle class="point" cx="${round(x(atMs))}" cy="${round(y(value))}" r="2.6"/>`).join('')}
${trend(verdict, x, y, lengthMs)}
</svg>`
}

/** Through the middle of what was judged. */
function trend(
  { state, slopePerHour, level, judgedFromMs }: Judged['verdict'],
  x: (ms: number) => number,
  y: (value: number) => number,
  lengthMs: number,
): string {
  if (state === 'too short') return ''
  const half = ((lengthMs - judgedFromMs) / 2 / 3_600_000) * slopePerHour
  const [from, to] = [level - half, level + half]
  return `<line class="trend ${state}" x1="${round(x(judgedFromMs))}" y1="${round(y(from))}" x2="${round(x(lengthMs))}" y2="${round(y(to))}"/>`
}

/** Round numbers that hold all between the two; bytes are round in powers of two. */
function niceTicks(least: number, most: number, isBinary: boolean): number[] {
  const span = Math.max(most - least, isBinary ? 1024 : 1e-9)
  const base = isBinary ? 2 ** Math.floor(Math.log2(span / 4)) : 10 ** Math.floor(Math.log10(span / 4))
  const step = [1, 2, 2.5, 5, 10].map((times) => times * base).find((each) => span / each <= 5) ?? base * 10
  const first = Math.floor(least / step) * step
  const ticks = [first]
  while (ticks.at(-1)! < most) ticks.push(first + ticks.length * step)
  return ticks
}

function timeTicks(lengthMs: number): { ms: number; words: string }[] {
  const steps = [5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400]
  const stepMs = (steps.find((seconds) => lengthMs / 1000 / seconds <= 10) ?? 86_400) * 1000
  return Array.from({ length: Math.floor(lengthMs / stepMs) + 1 }, (_, at) => {
    const seconds = (at * stepMs) / 1000
    const words =
      stepMs >= 3_600_000 ? `${seconds / 3600} h` : stepMs >= 60_000 ? `${seconds / 60} min` : `${seconds} s`
    return { ms: at * stepMs, words: at === 0 ? '0' : words }
  })
}

const round = (value: number): number => Math.round(value * 10) / 10

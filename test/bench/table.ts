import type { ResultRow, TargetResult } from './rows.ts'
import type { Spread } from './spread.ts'

/** The results for people: medians with least and most behind them, and each target beside its result. */
export function tableOf(rows: readonly ResultRow[]): string {
  const head = ['', 'direct', 'relay, 2 hops', 'sallyport', 'masked', 'result', 'target', '']
  const body = rows.flatMap((row) => {
    const [first, ...more] = row.targets
    return [
      [
        `${row.measurement}, ${row.unit}`,
        ...[row.direct, row.relay, row.sallyport, row.masked].map(spreadWords),
        ...targetWords(first),
      ],
      ...more.map((target) => ['', '', '', '', '', ...targetWords(target)]),
    ]
  })
  const lines = [head, ...body]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function spreadWords(spread: Spread | undefined): string {
  if (!spread) return '-'
  const { median, least, most } = spread
  return `${short(median)} (${short(least)}–${short(most)})`
}

function targetWords(target: TargetResult | undefined): [string, string, string] {
  if (!target) return ['', '', '']
  const sign = target.better === 'higher' ? '≥' : '≤'
  const wanted = `${sign} ${target.limit.toFixed(2)} ${target.words}`
  if (target.ratio === undefined) return ['-', wanted, 'not measured']
  return [target.ratio.toFixed(2), wanted, target.isMet ? 'met' : 'not met']
}

/** Three digits that mean something. */
function short(value: number): string {
  if (value >= 1000) return String(Math.round(value))
  return value.toPrecision(3)
}

import type { Findings } from '../run.ts'
import { shown, slope } from './format.ts'

/** The findings for a terminal. */
export function summaryOf({ judged, invariants, load }: Findings): string {
  const rows = [
    ...judged.map(({ line, verdict }) => [
      mark(verdict.state !== 'rises' && verdict.state !== 'falls'),
      line.title,
      shown(verdict.level, line.unit),
      slope(verdict.slopePerHour, line.unit),
      `tolerated ${shown(verdict.toleratedPerHour, line.unit)}`,
      verdict.state,
    ]),
    ...invariants.map(({ words, holds, detail }) => [mark(holds), words, detail]),
  ]
  const unexpected = load.unexpected.slice(0, 10).map(({ visit, words }) => `  ${visit}: ${firstLine(words)}`)
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...rows.map((row) => (row.length > 3 ? (row[column]?.length ?? 0) : 0))),
  )
  widths[1] = Math.max(...rows.map((row) => row[1]?.length ?? 0))
  return [
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    ...unexpected,
  ].join('\n')
}

const mark = (isGood: boolean): string => (isGood ? 'ok  ' : 'FAIL')
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? ''

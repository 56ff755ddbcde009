import { textGrid } from './grid.ts'
import type { Measurement } from './measurement.ts'

/** The rows that there are, for `--list`. */
export function listOf(measurements: readonly Measurement[]): string {
  const lines = measurements.flatMap((measurement) =>
    measurement.rows.map(({ name, unit, targets }) => [
      name,
      unit,
      measurement.setting,
      targets
        .map(({ better, limit, words }) => `${better === 'higher' ? '≥' : '≤'} ${limit} ${words}`)
        .join('; '),
    ]),
  )
  return textGrid(['row', 'unit', 'setting', 'targets'], lines)
}

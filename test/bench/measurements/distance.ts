import { atLeast, type Measurement } from '../measurement.ts'
import { readRows } from '../reader.ts'

/** All rows of a table, once and eight times at once, over 50 ms of round trip. */
export const distance: readonly Measurement[] = [1, 8].map((streams) => ({
  setting: 'far',
  routes: ['relay', 'sallyport'],
  work: 'MB',
  rows: [
    {
      name: `COPY out at 50 ms, ${streams === 1 ? 'one stream' : `${streams} streams`}`,
      figure: 'megabytesPerSecond',
      unit: 'MB/s',
      better: 'higher',
      targets: [atLeast(0.9, 'relay', 'of plain TCP')],
    },
  ],
  measure: (route, { bed }) =>
    readRows(route, 'COPY bench_rows TO STDOUT', bed.answerTo('COPY', route.name), streams),
}))

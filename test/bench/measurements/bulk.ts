import { copyIn } from '../copy.ts'
import { atLeast, type Measurement } from '../measurement.ts'
import { readRows } from '../reader.ts'

const figure = 'megabytesPerSecond'
const perSecond = { figure, unit: 'MB/s', better: 'higher' } as const

/** All rows of a table: to the client by SELECT and by COPY, and from it. */
export const bulk: readonly Measurement[] = [
  allRows('SELECT', 'SELECT * FROM bench_rows'),
  allRows('COPY', 'COPY bench_rows TO STDOUT'),
  {
    setting: 'near',
    routes: ['direct', 'relay', 'haproxy', 'tunnel', 'policy', 'sallyport'],
    work: 'MB',
    rows: [{ name: 'COPY in', ...perSecond, targets: [atLeast(0.9, 'direct', 'of direct')] }],
    measure: copyIn,
  },
]

function allRows(kind: 'SELECT' | 'COPY', question: string): Measurement {
  return {
    setting: 'near',
    routes: ['direct', 'relay', 'haproxy', 'tunnel', 'policy', 'sallyport', 'masked'],
    work: 'MB',
    rows: [
      {
        name: kind === 'COPY' ? 'COPY out' : 'SELECT of many rows',
        ...perSecond,
        targets: [
          atLeast(0.9, 'direct', 'of direct'),
          atLeast(0.5, 'sallyport', 'of unmasked, where masked', 'masked'),
        ],
      },
    ],
    measure: (route, { bed }) => readRows(route, question, bed.answerTo(kind, route.name)),
  }
}

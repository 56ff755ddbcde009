import { copyIn, copyOut } from '../copy.ts'
import { atLeast, type Measurement } from '../measurement.ts'

const figure = 'megabytesPerSecond'
const perSecond = { figure, unit: 'MB/s', better: 'higher' } as const

/** All rows of a table by COPY, to the client and from it. */
export const copies: readonly Measurement[] = [
  {
    routes: ['direct', 'relay', 'sallyport', 'masked'],
    work: 'MB',
    rows: [
      {
        name: 'COPY out',
        ...perSecond,
        targets: [
          atLeast(0.9, 'direct', 'of direct'),
          atLeast(0.5, 'sallyport', 'of unmasked, one column of five masked', 'masked'),
        ],
      },
    ],
    measure: copyOut,
  },
  {
    routes: ['direct', 'relay', 'sallyport'],
    work: 'MB',
    rows: [{ name: 'COPY in', ...perSecond, targets: [atLeast(0.9, 'direct', 'of direct')] }],
    measure: copyIn,
  },
]

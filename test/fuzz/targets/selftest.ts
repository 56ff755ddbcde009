import { must, type Target } from '../target.ts'
import { deepSecret } from '../testing/deep-secret.ts'

/** Breaks on purpose, to show that the command tells: not among the targets that are run unless it is named. */
export const target: Target = {
  name: 'selftest',
  promise: 'breaks on purpose',
  unit: 'inputs',
  units: { long: 100_000, short: 1 },
  guide: /deep-secret/,
  maxBytes: 64,
  slowMs: 1_000,
  open: () =>
    Promise.resolve({
      seeds: [Buffer.from('FU..')],
      words: [],
      run: (input) => {
        must(!deepSecret(input), () => 'as it should')
        return 1
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
}

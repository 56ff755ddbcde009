import { defineConfig } from 'vitest/config'

/** Those that measure times or memory, or take the whole machine: one after the other, when nothing else runs. */
const alone = ['test/{faults,fuzz,regression}/**/*.test.ts', 'test/e2e/{processes,soak,rejudgement}.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', './test/tally.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/{src,test}/**/*.test.ts',
            'test/{architecture,documents,links,monitoring}.test.ts',
            'test/{bench,soak}/**/*.test.ts',
          ],
          maxWorkers: 2,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/{world,wire,e2e}/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'alone',
          include: alone,
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})

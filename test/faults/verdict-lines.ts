import type { Verdict } from './campaign.ts'

/** One line, and below it what did not hold and how to see it again. */
export function linesOf(verdict: Verdict, number: number, of: number): string {
  const { fault, seed, findings, skipped, figures } = verdict
  const word = skipped !== undefined ? 'skip' : findings.length === 0 ? 'ok' : 'FAIL'
  const place = `${number}/${of}`.padStart(7)
  const facts =
    figures === undefined
      ? (skipped ?? '')
      : `${figures.operations} answers, ${figures.reachedTarget} at the target, ${figures.recorded} on record, ` +
        `${figures.sessionsLost} sessions lost, new ones after ${(figures.recoveryMs / 1000).toFixed(1)} s`
  const line = `${word.padEnd(4)} ${place}  ${fault}  (seed ${seed})  ${facts}`
  return [
    line,
    ...findings.map((finding) => `       ${finding}`),
    ...(findings.length > 0 ? [`       again: ${again(verdict)}`] : []),
  ].join('\n')
}

/** The command that does the same once more. */
export function again({ fault, seed }: Pick<Verdict, 'fault' | 'seed'>): string {
  return `npm run faults -- --only '^${fault}$' --points 1 --seed ${seed}`
}

/** All of a run in a few lines. */
export function summaryOf(verdicts: readonly Verdict[]): string {
  const ran = verdicts.filter(({ figures }) => figures !== undefined)
  const failed = verdicts.filter(({ findings }) => findings.length > 0)
  const skipped = verdicts.filter((verdict) => verdict.skipped !== undefined)
  const sum = (
    figure: 'operations' | 'reachedTarget' | 'recordings' | 'sessionsLost' | 'writesCertain',
  ): number => ran.reduce((total, { figures }) => total + (figures?.[figure] ?? 0), 0)
  const recoveries = ran.map(({ figures }) => figures?.recoveryMs ?? 0).toSorted((a, b) => a - b)
  const seconds = (share: number): string =>
    ((recoveries[Math.floor(share * (recoveries.length - 1))] ?? 0) / 1000).toFixed(1)
  return [
    `${verdicts.length} faults: ${verdicts.length - failed.length - skipped.length} held, ${failed.length} did not, ${skipped.length} skipped`,
    `${sum('operations')} answers checked, ${sum('reachedTarget')} operations at the target and each of them on record,`,
    `${sum('writesCertain')} acknowledged writes found, ${sum('recordings')} recordings verified, ${sum('sessionsLost')} sessions lost,`,
    `new sessions after ${seconds(0.5)} s (median), ${seconds(0.95)} s (95 %), ${seconds(1)} s (most)`,
  ].join('\n')
}

import type { Notice } from '../fault.ts'
import type { Ledger, Loss } from '../load/ledger.ts'

/** Sessions that ended, or were refused, otherwise than the fault excuses. */
export function endings(ledger: Ledger, notice: Notice): string[] {
  const unfit = (losses: readonly Loss[], codes: RegExp | undefined): string[] =>
    losses
      .filter(({ code, isMidMessage }) =>
        code === undefined
          ? !(notice.isWordless === true || (isMidMessage && codes !== undefined))
          : codes?.test(code) !== true,
      )
      .map(({ words }) => words)
  return [
    ...tally('sessions ended', unfit(ledger.losses, notice.ends)),
    ...tally('sessions refused', unfit(ledger.refusals, notice.refusals)),
  ]
}

function tally(what: string, words: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const one of words) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].map(([one, count]) => `${count} ${what} with: ${one}`)
}

import type { Ledger } from '../load/ledger.ts'

/** What of the writes' fates is not so at the target. */
export function effects(ledger: Ledger, rows: ReadonlyMap<string, number>): string[] {
  const writes = [...ledger.writes].map(([op, write]) => ({ op, ...write, found: rows.get(op) ?? 0 }))
  return [
    ...several(
      'were acknowledged, and are lost',
      writes.filter(({ fate, found }) => fate === 'certain' && found === 0).map(({ op }) => op),
    ),
    ...several(
      'were not to happen, and did',
      writes.filter(({ fate, found }) => fate === 'impossible' && found > 0).map(({ op }) => op),
    ),
    ...several(
      'wrote a part, or more than once',
      writes.filter(({ rows: wanted, found }) => found > 0 && found !== wanted).map(({ op }) => op),
    ),
    ...several(
      'were written by nobody',
      [...rows.keys()].filter((op) => !ledger.writes.has(op)),
    ),
  ]
}

/** What reached the target and is not on record, or was never to reach it. */
export function missing(
  ledger: Ledger,
  recorded: ReadonlySet<string>,
  reached: ReadonlySet<string>,
  rows: ReadonlyMap<string, number>,
): string[] {
  const there = [...new Set([...reached, ...rows.keys()])]
  return [
    ...several(
      'reached the target and are not on record',
      there.filter((op) => !recorded.has(op)),
    ),
    ...several(
      'are forbidden and reached the target',
      there.filter((op) => ledger.forbidden.has(op)),
    ),
    // Then this judge would be blind to what it has to see.
    ...several(
      "were answered, and the target's log does not know them",
      [...ledger.answered].filter((op) => !reached.has(op)),
    ),
  ]
}

function several(what: string, ops: readonly string[]): string[] {
  return ops.length === 0 ? [] : [`${ops.length} operations ${what}: ${ops.slice(0, 3).join(', ')}`]
}

import type { Compared } from './comparison.ts'

export interface ServerReport {
  readonly server: string
  readonly compared: readonly Compared[]
  /** What could not run, and why. */
  readonly skipped: readonly string[]
  /** How many files gave, to the byte, what PostgreSQL's developers expect. */
  readonly expected: { readonly direct: number; readonly through: number; readonly of: number } | undefined
}

const shownHunks = 3

export function reportOf(reports: readonly ServerReport[], isVerbose: boolean): string {
  return reports.map((report) => one(report, isVerbose)).join('\n')
}

function one({ server, compared, skipped, expected }: ServerReport, isVerbose: boolean): string {
  const lines = [`\n${server}`]
  const suites = [...new Set(compared.map(suiteOf))]
  for (const suite of suites) {
    const of = compared.filter((each) => suiteOf(each) === suite)
    const count = (verdict: Compared['verdict']) => of.filter((each) => each.verdict === verdict).length
    const bad = count('different') + count('unexpectedly equal')
    lines.push(
      `  ${suite.padEnd(10)} ${count('equal')} equal, ${count('explained')} explained, ${bad} unexplained, of ${of.length}`,
    )
  }
  if (expected !== undefined)
    lines.push(
      `  as PostgreSQL expects, of ${expected.of} files: ${expected.direct} direct, ${expected.through} through`,
    )
  for (const words of skipped) lines.push(`  skipped: ${words}`)
  for (const each of compared) {
    if (each.verdict === 'equal') continue
    lines.push(`  ${each.verdict}: ${each.name}${each.reason === undefined ? '' : `: ${each.reason}`}`)
    const shown = isVerbose ? each.hunks : each.hunks.slice(0, shownHunks)
    for (const hunk of shown) lines.push(hunk.trimEnd().replaceAll(/^/gm, '    '))
    if (shown.length < each.hunks.length) lines.push(`    and ${each.hunks.length - shown.length} more`)
  }
  return `${lines.join('\n')}\n`
}

const suiteOf = ({ name }: Compared): string => name.slice(0, name.indexOf('/'))

/** One line of a table, a word for each column. */
export type Line = readonly string[]

/** Columns of one width each, for a terminal. */
export function textGrid(head: Line, lines: readonly Line[]): string {
  const all = [head, ...lines]
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)))
  return all
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownGrid(head: Line, lines: readonly Line[]): string {
  const row = (line: Line): string => `| ${line.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n')
}

/** One policy file, or one file of policy tests. */
export interface PolicyText {
  /** What messages call it: a path, or a name in the store. */
  readonly name: string
  readonly text: string
}

/** Something wrong in a policy or test file. Lines and columns count from 1, columns in characters. */
export interface PolicyProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  readonly severity: 'error' | 'warning'
}

/** Policies that cannot be used. Its message lists every error as `file:line:column: what`. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError'
  readonly problems: readonly PolicyProblem[]

  constructor(problems: readonly PolicyProblem[]) {
    super(
      problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`).join('\n'),
    )
    this.problems = problems
  }
}

/** Line and column of an offset in UTF-8 bytes, which is how Cedar counts. */
export function positionAt(text: string, offsetBytes: number): { line: number; column: number } {
  const before = Buffer.from(text).subarray(0, offsetBytes).toString()
  const lineStart = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: before.length - lineStart + 1 }
}

export function byPosition(a: PolicyProblem, b: PolicyProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

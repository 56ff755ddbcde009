import { ApiError } from '@sallyport/api'

/** Exit codes. Documented in `sallyport --help`. */
export const exit = { ok: 0, failed: 1, usage: 2, notYet: 3, notSignedIn: 4, unreachable: 5 } as const

/** Something that the person at the terminal can mend: one line of what, one of what next. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exitCode: number
  readonly next: string | undefined

  constructor(message: string, options: { readonly exitCode?: number; readonly next?: string } = {}) {
    super(message)
    this.exitCode = options.exitCode ?? exit.failed
    this.next = options.next
  }
}

/** Any thrown thing as lines for standard error, and the exit code that goes with it. */
export function explain(thrown: unknown): { readonly lines: readonly string[]; readonly exitCode: number } {
  if (thrown instanceof Failure)
    return { lines: words(thrown.message, thrown.next), exitCode: thrown.exitCode }
  if (thrown instanceof ApiError) {
    const places = thrown.errors.map(({ path, message }) => `${path}: ${message}`)
    const further = places.length === 1 && places[0] === thrown.detail ? [] : places.map((it) => `  ${it}`)
    return { lines: [...words(thrown.detail, thrown.next), ...further], exitCode: exitCodeOf(thrown) }
  }
  return { lines: words(thrown instanceof Error ? thrown.message : String(thrown)), exitCode: exit.failed }
}

function words(message: string, next?: string): string[] {
  return [`error: ${message}`, ...(next === undefined ? [] : [`  next: ${next}`])]
}

function exitCodeOf(error: ApiError): number {
  if (error.code === 'unreachable' || error.code === 'bad-certificate') return exit.unreachable
  if (error.code === 'unauthenticated' || error.code === 'forbidden') return exit.notSignedIn
  return exit.failed
}

import type { DoctorCheck } from '@sallyport/api'

/** One thing to look at. A check that throws or takes too long is bad. */
export interface Check {
  readonly name: string
  readonly look: (signal: AbortSignal) => Promise<Omit<DoctorCheck, 'name'>>
}

/** Runs all checks at once, each within the time; answers in the order given. */
export async function examine(checks: readonly Check[], timeoutMs = checkTimeoutMs): Promise<DoctorCheck[]> {
  return Promise.all(
    checks.map(async ({ name, look }) => {
      const end = new AbortController()
      const timeout = setTimeout(() => end.abort(), timeoutMs)
      const late = new Promise<never>((_, reject) => {
        end.signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true })
      })
      try {
        return { name, ...(await Promise.race([look(end.signal), late])) }
      } catch (error) {
        return { name, state: 'bad' as const, detail: safeWords(error) }
      } finally {
        clearTimeout(timeout)
        end.abort()
        // Nobody waits for it any more.
        late.catch(() => undefined)
      }
    }),
  )
}

export const good = (detail: string): Omit<DoctorCheck, 'name'> => ({ state: 'good', detail })
export const warning = (detail: string, next: string): Omit<DoctorCheck, 'name'> => ({
  state: 'warning',
  detail,
  next,
})
export const bad = (detail: string, next: string): Omit<DoctorCheck, 'name'> => ({
  state: 'bad',
  detail,
  next,
})

/** Administrators read this: a fault's own words, and no others. */
function safeWords(error: unknown): string {
  if (error instanceof Error && 'shown' in error && typeof error.shown === 'string') return error.shown
  return error instanceof Error && error.message === 'no answer in time'
    ? error.message
    : 'it failed; see the log'
}

const checkTimeoutMs = 10_000

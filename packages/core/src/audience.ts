import type { Permit } from './permit.ts'

/** Those who watch a session while it lives. */
export interface Audience {
  /** Whether everybody is there whom the permit asks for, as groups stand now. hot path */
  isPresent(permit: Permit): boolean
  /** Calls `changed` whenever somebody has come, left, or is in other groups. */
  onChange(changed: () => void): Disposable
}

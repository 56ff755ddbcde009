/**
 * Which of its keys an agent may use. Each renewal brings a new key, which becomes the current one when the agent first attaches
 * with it; until then the old one stays good, since the answer may have been lost.
 *
 * ```
 *            renewal, key N              attach with N
 *   {K} ──────────────────────▶ {K → N} ───────────────▶ {N}, generation + 1
 *                                │  renewal from K, N again: the same (the answer was lost)
 *                                └─ renewal from K, another key: two hold K
 *   any key that is neither: it was replaced, and whoever shows it has a copy
 * ```
 */
export interface KeyState {
  /** 1 at enrolment, one more with each key that came into use. */
  readonly generation: number
  /** Fingerprint of the key in use. */
  readonly current: string
  /** Fingerprint of the key that was certified, but not yet seen. */
  readonly next?: string
}

/** What to do with an agent: leave its keys as they are, advance them first, or take it for cloned. */
export type KeyVerdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'advance'; readonly to: KeyState }
  | { readonly kind: 'cloned' }

/** An agent attaches, and shows `shown`. */
export function judgeAttach(keys: KeyState, shown: string): KeyVerdict {
  if (shown === keys.next) return { kind: 'advance', to: { generation: keys.generation + 1, current: shown } }
  return shown === keys.current ? { kind: 'same' } : { kind: 'cloned' }
}

/** An agent shows `shown`, and wants a certificate for `wanted`. */
export function judgeRenewal(keys: KeyState, shown: string, wanted: string): KeyVerdict {
  if (shown === keys.next)
    return { kind: 'advance', to: { generation: keys.generation + 1, current: shown, next: wanted } }
  if (shown !== keys.current) return { kind: 'cloned' }
  if (keys.next === undefined) return { kind: 'advance', to: { ...keys, next: wanted } }
  return keys.next === wanted ? { kind: 'same' } : { kind: 'cloned' }
}

/** Who must be watching: somebody of each of these, who is in any of its groups. Nobody of the session itself counts. */
export type Watchers = readonly (readonly string[])[]

/** `somebody of security`, `somebody of dba or leads, and somebody of security`. */
export function watchersInWords(watchers: Watchers): string {
  return watchers.map((groups) => `somebody of ${groups.join(' or ')}`).join(', and ')
}

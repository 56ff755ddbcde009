import type { Review } from '@sallyport/api'

/** `1 of dba, security and 2 of owners`. */
export function reviewersText(needs: Review['needs']): string {
  return needs.map(({ groups, approvals }) => `${approvals} of ${groups.join(', ')}`).join(' and ')
}

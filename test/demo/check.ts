/** @throws Error where a step did not show what it says */
export function check(isSo: boolean, claim: string): void {
  if (!isSo) throw new Error(`the demo claims that ${claim}, and it is not so`)
}

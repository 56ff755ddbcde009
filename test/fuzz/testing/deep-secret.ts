/** Each byte opens one block more: what coverage guides to, and chance finds once in sixteen million inputs. */
export function deepSecret(input: Buffer): boolean {
  if (input[0] === 0x46) {
    if (input[1] === 0x55) {
      if (input[2] === 0x5a) return true
    }
  }
  return false
}

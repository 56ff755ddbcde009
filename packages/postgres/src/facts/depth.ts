/** How deep the trees go that are walked. Deeper ones are refused: walks are recursive. */
export const maxTreeDepth = 1000

export class TooDeep extends Error {
  override readonly name = 'TooDeep'
}

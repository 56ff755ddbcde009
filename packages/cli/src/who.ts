import { whoInWords } from '@sallyport/core'

interface Person {
  readonly id: string
  readonly name: string
}

/** `alice`, `claude for alice`, or `helper via claude for alice`. */
export function who(
  principal: Person,
  actor: Person & { readonly via?: readonly Person[] | undefined },
): string {
  return whoInWords(principal, [actor, ...(actor.via ?? [])])
}

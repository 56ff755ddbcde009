import { Fault } from '@sallyport/core'

/** The code of the fault that is thrown, undefined where nothing is; an error of another kind comes through. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code
    throw thrown
  }
}

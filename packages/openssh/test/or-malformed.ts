import { Malformed } from '../src/index.ts'

/** What was read; undefined where it was refused as malformed. Whatever else is thrown is a bug. */
export function orMalformed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof Malformed) return undefined
    throw thrown
  }
}

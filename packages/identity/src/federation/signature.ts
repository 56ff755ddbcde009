import { compactVerify } from 'jose'
import type { IssuerKeys } from './issuer-keys.ts'

/** Why a token is not signed by one of these keys, by one of these algorithms; undefined where it is. */
export async function wrongSignature(
  text: string,
  keys: Pick<IssuerKeys, 'find'>,
  algorithms: readonly string[],
): Promise<string | undefined> {
  let why = 'its signature is wrong'
  try {
    await compactVerify(
      text,
      async (header) => {
        const found = await keys.find(header)
        if ('key' in found) return found.key
        why = found.why
        throw new Error(why)
      },
      { algorithms: [...algorithms] },
    )
    return undefined
  } catch {
    return why
  }
}

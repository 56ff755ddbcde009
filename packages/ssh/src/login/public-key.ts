import type { OfferedKey, ProvenKey } from '@sallyport/core'
import type { PublicKeyRequest } from '../ssh2/index.ts'

/** The key that a client names, as the gate knows keys. Undefined where it is of a kind that nobody may use. */
export function offeredKey(_attempt: PublicKeyRequest): OfferedKey | undefined {
  return undefined
}

/** The key in whose name the client signed this very connection. Undefined where it did not. */
export function provenKey(_attempt: PublicKeyRequest): ProvenKey | undefined {
  return undefined
}

import { Fault } from '@sallyport/core'

/** Whatever went wrong with the log, as the one fault that ends sessions. Its cause stays in the house. */
export function cannotRecord(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown
  return new Fault('gateway/cannot-record', 'the session cannot be recorded, and nothing runs unrecorded', {
    cause: thrown,
  })
}

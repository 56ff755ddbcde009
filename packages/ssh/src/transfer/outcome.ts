import type { Outcome } from '@sallyport/core'

/** @param sizeBytes sent towards the client for it @param rows entries of a directory */
export function fileOutcome(
  status: Outcome['status'],
  {
    sizeBytes = 0,
    rows = 0,
    errorCode,
  }: { sizeBytes?: number; rows?: number; errorCode?: string | undefined } = {},
): Outcome {
  const outcome = { status, rows, sizeBytes, maskedValues: 0, maskedColumns: [] }
  return errorCode === undefined ? outcome : { ...outcome, errorCode }
}

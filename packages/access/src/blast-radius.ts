import type { BlastRadius, Operation } from '@sallyport/core'

/**
 * What reviewers are told of how much it touches; undefined where its protocol does not estimate. Never throws, and takes no longer
 * than {@link limitMs}: reviewers are asked all the same.
 */
export async function blastRadiusOf(
  operation: Operation,
  signal: AbortSignal,
): Promise<BlastRadius | undefined> {
  if (operation.blastRadius === undefined) return undefined
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
  const late = Promise.withResolvers<BlastRadius>()
  const onLimit = (): void => late.resolve({ kind: 'unknown', why: 'the estimate took too long' })
  limit.addEventListener('abort', onLimit, { once: true })
  if (limit.aborted) onLimit()
  try {
    return await Promise.race([operation.blastRadius(limit), late.promise])
  } catch {
    return { kind: 'unknown', why: 'the estimate failed' }
  } finally {
    limit.removeEventListener('abort', onLimit)
  }
}

const limitMs = 5_000

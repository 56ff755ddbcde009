import type { Readable } from 'node:stream'
import { Fault, type FaultCode } from '@sallyport/core'

/**
 * Reads exactly `length` bytes from a stream that is not flowing; what follows stays in the stream.
 * @param gone the fault that an early end is
 * @throws the signal's reason, or Fault
 */
export function readExactly(
  stream: Readable,
  length: number,
  gone: FaultCode,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (length === 0) return resolve(Buffer.alloc(0))
    const stop = (): void => {
      stream.off('readable', tryRead).off('end', onGone).off('close', onGone).off('error', onError)
      signal.removeEventListener('abort', onAbort)
    }
    const tryRead = (): void => {
      // Asking for more than there is makes the stream gather it, beyond its high-water mark if need be.
      const bytes: unknown = stream.read(length)
      if (!Buffer.isBuffer(bytes)) return
      stop()
      if (bytes.length === length) resolve(bytes)
      else reject(tooEarly(gone))
    }
    const onGone = (): void => {
      stop()
      reject(tooEarly(gone))
    }
    const onError = (error: Error): void => {
      stop()
      reject(error instanceof Fault ? error : new Fault(gone, 'the connection failed', { cause: error }))
    }
    const onAbort = (): void => {
      stop()
      reject(signal.reason as Error)
    }
    if (signal.aborted) return onAbort()
    if (stream.readableLength >= length) return tryRead()
    if (stream.errored) return onError(stream.errored)
    if (stream.readableEnded || stream.destroyed) return onGone()
    stream.on('readable', tryRead).on('end', onGone).on('close', onGone).on('error', onError)
    signal.addEventListener('abort', onAbort)
    tryRead()
  })
}

function tooEarly(gone: FaultCode): Fault {
  return new Fault(gone, 'the connection ended too early')
}

import type { Readable } from 'node:stream'
import { Fault, type FaultCode } from '@sallyport/core'

/**
 * Reads exactly `length` bytes from a stream that is not flowing; what follows stays in the stream.
 * @param gone the fault that an early end is
 * @throws the signal's reason, or Fault
 */
export async function readExactly(
  stream: Readable,
  length: number,
  gone: FaultCode,
  signal: AbortSignal,
): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  for (;;) {
    signal.throwIfAborted()
    const bytes: unknown = stream.readableLength >= length ? stream.read(length) : null
    if (Buffer.isBuffer(bytes)) return bytes
    if (stream.readableEnded || stream.destroyed || stream.errored)
      throw new Fault(gone, 'the connection ended too early')
    await readable(stream, length, gone, signal)
  }
}

/** Resolves when more has come. */
function readable(stream: Readable, length: number, gone: FaultCode, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      stream.off('readable', onReadable).off('end', onGone).off('close', onGone).off('error', onError)
      signal.removeEventListener('abort', onAbort)
    }
    const onReadable = (): void => {
      stop()
      resolve()
    }
    const onGone = (): void => {
      stop()
      reject(new Fault(gone, 'the connection ended too early'))
    }
    const onError = (error: Error): void => {
      stop()
      reject(error instanceof Fault ? error : new Fault(gone, 'the connection failed', { cause: error }))
    }
    const onAbort = (): void => {
      stop()
      reject(signal.reason as Error)
    }
    stream.on('readable', onReadable).on('end', onGone).on('close', onGone).on('error', onError)
    signal.addEventListener('abort', onAbort)
    // Ask the stream to read on even where what is buffered does not suffice.
    if (stream.readableLength < length) stream.read(0)
  })
}

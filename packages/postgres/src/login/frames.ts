import type { Readable } from 'node:stream'
import type { FaultCode } from '@sallyport/core'
import { readExactly } from '@sallyport/wire'
import { frameLength, headBytes } from '../codec/tags.ts'

/** Reads one whole tagged frame during a log-in. What follows stays in the stream. */
export async function readFrame(
  stream: Readable,
  side: 'client' | 'server',
  gone: FaultCode,
  signal: AbortSignal,
): Promise<Buffer> {
  const head = await readExactly(stream, headBytes, gone, signal)
  const length = frameLength(side, head, 0)
  if (length === headBytes) return head
  return Buffer.concat([head, await readExactly(stream, length - headBytes, gone, signal)])
}

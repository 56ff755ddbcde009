import type { KeyObject } from 'node:crypto'
import { hashLine } from './chain.ts'
import { LineSplitter } from './lines.ts'
import { openSeal, type Seal } from './seal.ts'

/** The seals of a gateway's seal log, or why it cannot be trusted. */
export type SealLogVerification =
  | { readonly state: 'sound'; readonly seals: number; readonly head: string }
  | { readonly state: 'broken'; readonly seals: number; readonly detail: string }

/**
 * Checks a seal log, all its files one after the other: every seal signed, numbered without a gap, and chained.
 * @param onSeal is called for each seal that was accepted, in order
 */
export async function verifySealLog(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  publicKey: KeyObject,
  onSeal: (seal: Seal) => void = () => {},
): Promise<SealLogVerification> {
  const splitter = new LineSplitter()
  let sealLine: Buffer | undefined
  let seals = 0
  let head = ''
  const broken = (detail: string): SealLogVerification => ({ state: 'broken', seals, detail })
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) {
      if (sealLine === undefined) {
        sealLine = Buffer.from(line)
        continue
      }
      const seal = openSeal(sealLine, line.toString(), publicKey)
      if (seal === undefined) return broken(`the seal after number ${seals} is not signed by this key`)
      if (seal.number !== seals + 1)
        return broken(`seal ${seals + 1} is missing: number ${seal.number} follows`)
      if (seal.previous !== head) return broken(`seal ${seal.number} does not follow the one before it`)
      seals++
      head = hashLine(sealLine)
      sealLine = undefined
      onSeal(seal)
    }
  }
  if (sealLine !== undefined || splitter.isMidLine) return broken('it ends in the middle of a seal')
  return { state: 'sound', seals, head }
}

import { keyedHash } from './keyed-hash.ts'

/**
 * A stream of digits that follows from key and text, and that nobody without the key can tell from chance.
 * @returns one more each time, from 0 to `count - 1`, each as likely
 */
export function keyedDigits(key: Uint8Array, text: string): (count: number) => number {
  let stream: Buffer = Buffer.alloc(0)
  let block = 0
  let at = 0
  return (count) => {
    const limit = 256 - (256 % count)
    for (;;) {
      if (at === stream.length) {
        stream = keyedHash(key, `digits\0${block++}\0${text}`)
        at = 0
      }
      const byte = stream[at++]!
      if (byte < limit) return byte % count
    }
  }
}

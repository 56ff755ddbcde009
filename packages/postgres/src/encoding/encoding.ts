import { isUtf8 } from 'node:buffer'

/**
 * A character encoding as the server knows it. In all that are offered a byte below 0x80 is that character of ASCII wherever it
 * stands, and no part of another: quotes, backslashes and delimiters are found in the bytes as in the text.
 */
export interface Encoding {
  /** As the server reports it. */
  readonly name: string
  /** Undefined where the bytes are no text in it. */
  decode(bytes: Buffer): string | undefined
  /** For what is only shown: U+FFFD stands for what cannot be read. */
  show(bytes: Buffer): string
  /** A question mark stands for what the encoding has not. */
  encode(text: string): Buffer
}

export const utf8: Encoding = {
  name: 'UTF8',
  decode: (bytes) => (isUtf8(bytes) ? bytes.toString('utf8') : undefined),
  show: (bytes) => bytes.toString('utf8'),
  encode: (text) => Buffer.from(text),
}

import { createHmac } from 'node:crypto'
import type { Redactor } from '@sallyport/core'

const hidden = '****'

/**
 * A value as it may be shown; null for NULL.
 * @param key secret: makes `hash` and `digits` stable, and not to be guessed
 */
export function redact(redactor: Redactor, text: string, key: Uint8Array): string | null {
  switch (redactor.kind) {
    case 'full':
      return hidden
    case 'null':
      return null
    case 'fixed':
      return redactor.text
    case 'last-four':
      return lastFour(text)
    case 'domain':
      return domain(text)
    case 'hash':
      return createHmac('sha256', key).update(text).digest('hex').slice(0, 32)
    case 'digits':
      return otherDigits(text, key)
  }
}

/** What a tag's values become where its resource says nothing else. */
export function defaultRedactor(tag: string): Redactor {
  if (tag === 'pii.email') return { kind: 'domain' }
  if (tag === 'pii.card' || tag === 'pii.phone' || tag === 'pii.iban' || tag === 'pii.ssn')
    return { kind: 'last-four' }
  return { kind: 'full' }
}

/** The last four letters or digits, if they are less than half of them. */
function lastFour(text: string): string {
  const symbols = text.replace(/[^\p{L}\p{N}]/gu, '')
  return symbols.length < 9 ? hidden : hidden + symbols.slice(-4)
}

function domain(text: string): string {
  const at = text.lastIndexOf('@')
  return at === -1 ? hidden : hidden + text.slice(at)
}

/** Other digits in the same places. The same text gives the same digits. */
function otherDigits(text: string, key: Uint8Array): string {
  let stream = Buffer.alloc(0)
  let block = 0
  let at = 0
  const next = (): number => {
    for (;;) {
      if (at === stream.length) {
        stream = createHmac('sha256', key).update(`digits ${block++} ${text}`).digest()
        at = 0
      }
      const byte = stream[at++]!
      if (byte < 250) return byte % 10 // 250 is a multiple of ten: every digit is as likely
    }
  }
  return text.replace(/\d/g, () => String(next()))
}

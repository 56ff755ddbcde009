import type { Redactor } from '@sallyport/core'
import { keyedDigits } from './keyed-digits.ts'
import { keyedHex } from './keyed-hash.ts'

const hidden = '****'

/**
 * A text as it may be shown; null for NULL.
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
    case 'keep-last':
      return last(redactor.count, text)
    case 'keep-domain':
      return domain(text)
    case 'hash':
      return keyedHex(key, text).slice(0, 32)
    case 'digits':
      return otherDigits(text, key)
  }
}

/** What a tag's values become where its resource says nothing else. */
export function defaultRedactor(tag: string): Redactor {
  if (tag === 'pii.email') return { kind: 'keep-domain' }
  if (tag === 'pii.card' || tag === 'pii.phone' || tag === 'pii.iban' || tag === 'pii.ssn')
    return { kind: 'keep-last', count: 4 }
  return { kind: 'full' }
}

/**
 * One that shows no more than any of these: NULL tells least, not even that there is a value; of two that keep an end, the shorter one
 * is in both; what any others keep has nothing in common.
 * @param redactors one at least
 */
export function strictest(redactors: readonly Redactor[]): Redactor {
  return redactors.reduce(stricter)
}

function stricter(one: Redactor, other: Redactor): Redactor {
  if (one.kind === 'null' || other.kind === 'null') return { kind: 'null' }
  if (one.kind === 'keep-last' && other.kind === 'keep-last') return one.count < other.count ? one : other
  const isSame = one.kind === other.kind && (one.kind !== 'fixed' || one.text === (other as typeof one).text)
  return isSame ? one : { kind: 'full' }
}

/** The last letters or digits, if they are less than half of them. */
function last(count: number, text: string): string {
  const symbols = text.match(/[\p{L}\p{N}]/gu) ?? []
  return symbols.length <= 2 * count ? hidden : hidden + symbols.slice(-count).join('')
}

/** A name of several labels, the last of which begins with a letter: what is behind an `@` is not always a domain. */
const domainName = /^(?:[\p{L}\p{M}\d-]*\.)+\p{L}[\p{L}\p{M}\d-]* *$/u
const maxDomainLength = 253

function domain(text: string): string {
  const at = text.lastIndexOf('@')
  const name = text.slice(at + 1)
  const isDomain = at !== -1 && name.length <= maxDomainLength && domainName.test(name)
  return isDomain ? `${hidden}@${name}` : hidden
}

/** Other digits in the same places, in ASCII whatever they were. The same text gives the same digits. */
function otherDigits(text: string, key: Uint8Array): string {
  const next = keyedDigits(key, text)
  return text.replace(/\p{Nd}/gu, () => String(next(10)))
}

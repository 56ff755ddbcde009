import { areDigits, bytesLike, isDigit, runFrom, type Detector, type Span } from '../detector.ts'

/** Lengths by country: SWIFT IBAN registry. */
const lengths: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BR: 29,
  BY: 28,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  DO: 28,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LC: 32,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  LY: 25,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MR: 27,
  MT: 31,
  MU: 30,
  NL: 18,
  NO: 15,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  SA: 24,
  SC: 31,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  ST: 25,
  SV: 28,
  TL: 23,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
}
/** How one begins: country and check digits. */
const pattern = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?=[ -]?[A-Z0-9])/g

export const iban: Detector = {
  name: 'iban',
  tag: 'pii.iban',
  isAnchor: isCapital,
  isAnchoredInFront: false,
  mayBeAt: (bytes, at, from, to) => areDigits(bytes, at + 2, 2, from, to) && isCapital(bytes[at + 1]!),
  find(text) {
    const spans: Span[] = []
    for (const { index } of text.matchAll(pattern)) {
      const to = endOf(text, index)
      if (to !== undefined) spans.push({ from: index, to })
    }
    return spans
  },
  openFrom(bytes, from, to) {
    for (let at = runFrom(bytes, from, to, open); at < to; at++)
      if (mayBegin(bytes, at, to) && !(at > from && isAlphanumeric[bytes[at - 1]!] === 1)) return at
    return to
  },
}

/** 34 symbols with a separator behind each, and what follows. */
const open = { set: bytesLike(/[A-Z\d -]/), begins: bytesLike(/[A-Z]/), most: 70 }
const isAlphanumeric = bytesLike(/[A-Za-z\d]/)

/** Whether country and check digits stand here, or their beginning as the last of the text. */
function mayBegin(bytes: Uint8Array, at: number, to: number): boolean {
  const fits = (i: number, is: (byte: number) => boolean): boolean => i >= to || is(bytes[i]!)
  return isCapital(bytes[at]!) && fits(at + 1, isCapital) && fits(at + 2, isDigit) && fits(at + 3, isDigit)
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a
}

/** Where the IBAN that begins here ends: its country says how long it is, single spaces and dashes apart. */
function endOf(text: string, from: number): number | undefined {
  const length = lengths[text.slice(from, from + 2)]
  if (length === undefined) return undefined
  let symbols = ''
  let at = from
  for (; symbols.length < length; at++) {
    const symbol = text[at] ?? ''
    if (/[A-Z0-9]/.test(symbol)) symbols += symbol
    else if ((symbol !== ' ' && symbol !== '-') || !/[A-Z0-9]/.test(text[at + 1] ?? '')) return undefined
  }
  return /[A-Za-z0-9]/.test(text[at] ?? '') || !isIban(symbols) ? undefined : at
}

/** ISO 13616: moved to the end, letters as numbers, the remainder by 97 is 1. */
function isIban(text: string): boolean {
  let remainder = 0
  for (const symbol of text.slice(4) + text.slice(0, 4)) {
    const value = Number.parseInt(symbol, 36)
    remainder = (value > 9 ? remainder * 100 + value : remainder * 10 + value) % 97
  }
  return remainder === 1
}

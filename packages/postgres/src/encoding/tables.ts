import { firstOfPair, pairAt, pairs, single, supplementary, type Table } from './table-encoding.ts'

/**
 * The server's conversions as tables. They are made from the runtime's decoders, corrected where the WHATWG's encodings differ from the
 * server's; a test holds every character against a real server.
 * @see https://encoding.spec.whatwg.org/; PostgreSQL source, src/backend/utils/mb/Unicode
 */

const highBytes = { from: 0x80, to: 0xff } as const

/** ISO 8859: C1 controls stand for themselves, where the WHATWG reads Windows' code pages. @param label undefined: Latin-1 */
export function isoTable(label: string | undefined): Table {
  return bytesBy((byte) => (byte < 0xa0 || label === undefined ? byte : decoded(label, byte)))
}

/** The server reads nothing where the WHATWG reads C1 controls. @param own bytes that the server reads otherwise */
export function windowsTable(label: string, own: Readonly<Record<number, number>> = {}): Table {
  return bytesBy((byte) => {
    const unit = own[byte] ?? decoded(label, byte)
    return unit >= 0x80 && unit < 0xa0 ? 0 : unit
  })
}

/** @param own bytes that the server reads otherwise */
export function byteTable(label: string, own: Readonly<Record<number, number>> = {}): Table {
  return bytesBy((byte) => own[byte] ?? decoded(label, byte))
}

/** @param own by their two bytes, pairs that the server reads otherwise */
export function pairTable(label: string, own: Readonly<Record<number, string>>): Table {
  return { one: new Uint16Array(256), two: pairsBy(label, [], own) }
}

export function japaneseTable(): Table {
  const one = new Uint16Array(256)
  for (let byte = 0xa1; byte <= 0xdf; byte++) one[byte] = decoded('euc-jp', single, byte)
  const three = pairsBy('euc-jp', [supplementary], { 0xa2c3: '￤' })
  // What IBM added to the supplementary set, without gaps.
  const first = pairAt(0xf3, 0xf3)
  for (let at = pairAt(0xf3, 0xa1); at < first; at++) three[at] = 0
  for (let i = 0; i < ibm.length; i++) three[first + i] = ibm.charCodeAt(i)
  return { one, two: pairsBy('euc-jp', [], {}), three }
}

const ibm =
  'ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ＇＂㈱№℡炻仼僴凬匇匤\ufa0e咊坙\ufa0f\ufa10增寬峵嵓\ufa11德悅愠敎昻晥\ufa12\uf929栁\ufa13\ufa14橫櫢淸淲瀨\ufa15\ufa16甁皂皞\ufa17礰\ufa18\ufa19\ufa1a\ufa1b竧\ufa1c\ufa1d綠緖\ufa1e荢\ufa1f薰\ufa20\ufa21蠇\ufa22譿賴赶\ufa23\ufa24\ufa25郞\ufa26鄕\ufa27\ufa28閒\uf9dc\ufa29霻靍靑\ufa2a\ufa2b\ufa2c馞髙魲\ufa2d黑'

function bytesBy(unitOf: (byte: number) => number): Table {
  const one = new Uint16Array(256)
  for (let byte = highBytes.from; byte <= highBytes.to; byte++) one[byte] = unitOf(byte)
  return { one }
}

function pairsBy(label: string, lead: readonly number[], own: Readonly<Record<number, string>>): Uint16Array {
  const units = new Uint16Array(pairs * pairs)
  for (let first = firstOfPair; first < firstOfPair + pairs; first++)
    for (let second = firstOfPair; second < firstOfPair + pairs; second++) {
      const given = own[(first << 8) | second]
      const unit = given === undefined ? decoded(label, ...lead, first, second) : given.charCodeAt(0)
      // The private use area is what is not assigned.
      units[pairAt(first, second)] = unit >= 0xe000 && unit < 0xf900 ? 0 : unit
    }
  return units
}

const decoders = new Map<string, InstanceType<typeof TextDecoder>>()

/** 0 where these bytes are not one character of one unit. */
function decoded(label: string, ...bytes: readonly number[]): number {
  let decoder = decoders.get(label)
  if (decoder === undefined) decoders.set(label, (decoder = new TextDecoder(label, { fatal: true })))
  try {
    const text = decoder.decode(Uint8Array.from(bytes))
    return text.length === 1 ? text.charCodeAt(0) : 0
  } catch {
    return 0
  }
}

import type { RawFrame } from '../../../world/raw-postgres.ts'

const values = ['900-11-0001', ...[1, 2, 3, 4, 5].map((i) => `900-00-000${i}`)]

/** Forms in which a value may leave: as it is, turned around, encoded, its digits, its characters as numbers. */
const forms: readonly (readonly [form: string, bytes: Buffer])[] = values.flatMap((value) => {
  const digits = value.replaceAll('-', '')
  const number = Buffer.alloc(4)
  number.writeInt32BE(Number(digits))
  const texts = {
    raw: value,
    reversed: reversed(value),
    base64: Buffer.from(value).toString('base64').slice(0, 12),
    hex: Buffer.from(value).toString('hex'),
    HEX: Buffer.from(value).toString('hex').toUpperCase(),
    digits,
    'reversed digits': reversed(digits),
    codes: Buffer.from(value).join(','),
    'UTF-16': value.split('').join('\0'),
  }
  return [
    ...Object.entries(texts).map(([form, text]) => [form, Buffer.from(text)] as const),
    ['binary number', number] as const,
  ]
})

function reversed(text: string): string {
  return text.split('').toReversed().join('')
}

/** In which form something masked is in what came, if it is: in any message, in one after the other, in cells put together. */
export function traceOf(frames: readonly RawFrame[]): string | undefined {
  const all = Buffer.concat(frames.map(({ body }) => body))
  const cells = cellsOf(frames)
  const codes = Buffer.from(cells.map((cell) => Number(cell.toString())).filter((code) => code < 128))
  const joined = [Buffer.concat(cells), Buffer.concat(cells.toReversed()), codes]
  for (const [form, bytes] of forms) {
    if (all.includes(bytes)) return form
    if (joined.some((one) => one.includes(bytes))) return `${form} in parts`
  }
  return undefined
}

function cellsOf(frames: readonly RawFrame[]): Buffer[] {
  return frames.flatMap(({ tag, body }) => {
    if (tag === 'd') return [body]
    if (tag !== 'D') return []
    const cells: Buffer[] = []
    for (let at = 2; at + 4 <= body.length;) {
      const length = Math.max(body.readInt32BE(at), 0)
      cells.push(body.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    return cells
  })
}

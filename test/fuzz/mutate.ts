import { once, pick, type Random } from './random.ts'

/** A few blind changes in a row: bits, bytes, numbers, pieces moved, repeated, cut out, or taken from another input. */
export function mutate(input: Buffer, other: Buffer, words: readonly Buffer[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(input)
  for (let left = 1 << random.below(4); left > 0; left--)
    bytes = pick(random, changes)(bytes, other, words, random)
  return bytes
}

type Change = (bytes: Buffer, other: Buffer, words: readonly Buffer[], random: Random) => Buffer

const odd = [
  0, 1, 2, 3, 4, 5, 7, 8, 16, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 0x7fffffff, 0x80000000,
  0xffffffff,
]

const changes: readonly Change[] = [
  (bytes, _other, _words, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    return bytes
  },
  (bytes, _other, _words, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  (bytes, _other, _words, random) => {
    const width = pick(random, [1, 2, 4])
    if (bytes.length >= width)
      bytes.writeUIntBE(pick(random, odd) % 2 ** (8 * width), random.below(bytes.length - width + 1), width)
    return bytes
  },
  (bytes, _other, _words, random) => {
    const width = pick(random, [1, 2, 4])
    if (bytes.length < width) return bytes
    const at = random.below(bytes.length - width + 1)
    const limit = 2 ** (8 * width)
    bytes.writeUIntBE((bytes.readUIntBE(at, width) + limit + random.below(33) - 16) % limit, at, width)
    return bytes
  },
  (bytes, _other, words, random) => (words.length === 0 ? bytes : put(bytes, pick(random, words), random)),
  (bytes, _other, _words, random) => put(bytes, random.bytes(1 + random.below(8)), random),
  (bytes, _other, _words, random) => put(bytes, piece(bytes, random), random),
  (bytes, other, _words, random) => put(bytes, piece(other, random), random),
  (bytes, _other, _words, random) => {
    const [from, to] = span(bytes, random)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  (bytes, other, _words, random) => {
    const [, to] = span(bytes, random)
    const [from] = span(other, random)
    return Buffer.concat([bytes.subarray(0, to), other.subarray(from)])
  },
  (bytes, _other, _words, random) => {
    const part = piece(bytes, random)
    return put(bytes, Buffer.concat(Array.from({ length: 1 + random.below(16) }, () => part)), random)
  },
]

/** Put in, or over what is there. */
function put(bytes: Buffer, part: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const to = once(random, 2) ? at : Math.min(bytes.length, at + part.length)
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(to)])
}

function piece(bytes: Buffer, random: Random): Buffer {
  const [from, to] = span(bytes, random)
  return bytes.subarray(from, to)
}

/** Short ones more often than long ones. */
function span(bytes: Buffer, random: Random): readonly [from: number, to: number] {
  const from = random.below(bytes.length + 1)
  const length = random.below(1 + Math.min(bytes.length - from, 1 << random.below(12)))
  return [from, from + length]
}

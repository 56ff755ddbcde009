import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orMalformed } from '../test/or-malformed.ts'
import { Malformed, maxBlobBytes, padded, WireReader, WireWriter } from './wire.ts'

test('what is written is read as it was', () => {
  fc.assert(
    fc.property(
      fc.nat(255),
      fc.nat(0xffff_ffff),
      fc.bigInt(0n, 2n ** 64n - 1n),
      fc.uint8Array(),
      fc.uint8Array({ minLength: 1 }).filter((bytes) => bytes.some((byte) => byte > 0)),
      (byte, word, long, string, number) => {
        const bytes = new WireWriter()
          .uint8(byte)
          .uint32(word)
          .uint64(long)
          .string(string)
          .mpint(number)
          .done()
        const reader = new WireReader(bytes)
        expect([reader.uint8(), reader.uint32(), reader.uint64()]).toEqual([byte, word, long])
        expect(reader.string()).toEqual(Buffer.from(string))
        expect(padded(reader.mpint(), number.length)).toEqual(Buffer.from(number))
        reader.end()
      },
    ),
  )
})

test('a number that is read is written by the same bytes, or is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4 }), (bytes) => {
      const written = new WireWriter().string(bytes).done()
      const number = orMalformed(() => new WireReader(written).mpint())
      expect(number === undefined ? written : new WireWriter().mpint(number).done()).toEqual(written)
    }),
  )
})

test.each([
  ['zero', ''],
  ['negative', '80'],
  ['longer than it need be', '0001'],
  ['zero with digits', '00'],
])('a number that is %s is refused', (_, hex) => {
  const bytes = new WireWriter().string(Buffer.from(hex, 'hex')).done()
  expect(() => new WireReader(bytes).mpint()).toThrow(Malformed)
})

test('a number that needs its sign’s zero has it', () => {
  expect(new WireWriter().mpint(Buffer.of(0, 0x80)).done().toString('hex')).toBe('000000020080')
})

test('nothing is read past the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 7 }), (bytes) => {
      expect(() => new WireReader(bytes).uint64()).toThrow(Malformed)
    }),
  )
  expect(() => new WireReader(Buffer.from('ffffffff00', 'hex')).string()).toThrow(Malformed)
})

test('bytes after the last field are refused', () => {
  const reader = new WireReader(Buffer.of(1, 2))
  reader.uint8()
  expect(() => reader.end()).toThrow(Malformed)
})

test('a blob that is larger than any key is refused before it is read', () => {
  expect(new WireReader(Buffer.alloc(maxBlobBytes)).left).toBe(maxBlobBytes)
  expect(() => new WireReader(Buffer.alloc(maxBlobBytes + 1))).toThrow(Malformed)
})

test.each([
  ['is not UTF-8', 'ff'],
  ['holds a NUL', '6100'],
  ['holds an escape', '1b5b'],
  ['turns the line', 'e280ae'],
])('text that %s is refused', (_, hex) => {
  const bytes = new WireWriter().string(Buffer.from(hex, 'hex')).done()
  expect(() => new WireReader(bytes).text()).toThrow(Malformed)
})

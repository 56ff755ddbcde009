import { hkdfSync } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '@sallyport/core'
import { SealedBox, SealError } from './sealed-box.ts'

const box = new SealedBox(Buffer.alloc(32, 7))
const other = new SealedBox(Buffer.alloc(32, 8))

describe('a sealed box', () => {
  test('opens what it sealed, for the same context', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 2000 }), (context, plain) => {
        expect(box.open(context, box.seal(context, plain))).toEqual(Buffer.from(plain))
      }),
    )
    expect(box.openText('a', box.sealText('a', new Secret('häppy'))).reveal()).toBe('häppy')
  })

  test('shows nothing, and never seals the same twice alike', () => {
    const plain = Buffer.from('hunter2 hunter2')
    const [one, two] = [box.seal('a', plain), box.seal('a', plain)]
    expect(one.includes('hunter2')).toBe(false)
    expect(one.equals(two)).toBe(false)
    expect(one.byteLength).toBe(1 + 8 + 12 + plain.byteLength + 16)
  })

  test('opens nothing under another name, under another key, or that was never sealed', () => {
    const sealed = box.seal('credential a', Buffer.from('x'))
    expect(() => box.open('credential b', sealed)).toThrow('the sealed value was altered: credential b')
    expect(() => other.open('credential a', sealed)).toThrow('sealed under another master key')
    expect(() => box.open('credential a', new Uint8Array())).toThrow('not a sealed value')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => box.open('a', bytes)).toThrow(SealError)
      }),
    )
  })

  test('notices any changed, missing or added byte', () => {
    const sealed = box.seal('x', Buffer.from('secret'))
    for (let at = 0; at < sealed.byteLength; at++) {
      const altered = Buffer.from(sealed)
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at)
      expect(() => box.open('x', altered)).toThrow(SealError)
      expect(() => box.open('x', sealed.subarray(0, at))).toThrow(SealError)
    }
    expect(() => box.open('x', Buffer.concat([sealed, Buffer.of(0)]))).toThrow(SealError)
  })

  test('derives a key for each purpose, and never shows its own', () => {
    expect(box.derive('recordings')).toHaveLength(32)
    expect(box.derive('recordings')).toEqual(box.derive('recordings'))
    expect(box.derive('recordings')).not.toEqual(box.derive('masks'))
    expect(box.derive('recordings')).not.toEqual(other.derive('recordings'))
    expect(inspect(box, { showHidden: true, depth: 9 })).not.toMatch(/07 07|7,/)
  })

  test('derives keys by HKDF, as any other implementation of it would', () => {
    const expected = hkdfSync('sha256', Buffer.alloc(32, 7), '', 'sallyport recordings', 32)
    expect(box.derive('recordings')).toEqual(Buffer.from(expected))
  })

  test('opens what the key before has sealed, and seals with the one of today', () => {
    const both = new SealedBox(Buffer.alloc(32, 8), Buffer.alloc(32, 7))
    const sealed = box.sealText('a', new Secret('old'))
    expect(both.openText('a', sealed).reveal()).toBe('old')
    expect(() => both.open('b', sealed)).toThrow('altered')
    expect([both.isOutdated(sealed), both.isOutdated(both.seal('a', sealed))]).toEqual([true, false])
    expect(other.openText('a', both.sealText('a', new Secret('new'))).reveal()).toBe('new')
    expect(inspect(both, { showHidden: true, depth: 9 })).not.toMatch(/07 07|7,/)
  })

  test('takes a key of 32 bytes', () => {
    for (const size of [0, 16, 31, 33]) expect(() => new SealedBox(new Uint8Array(size))).toThrow(RangeError)
  })
})

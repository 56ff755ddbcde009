import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '@sallyport/core'
import { mintOpaque, opaqueHash } from './opaque-token.ts'

const kind = fc.constantFrom('sp', 'spj', 'sps')
const bits = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('opaque tokens', () => {
  test('are a prefix, 43 digits and a checksum, always the same for the same bits', () => {
    const ones = mintOpaque('sp', () => new Uint8Array(32).fill(255)).token.reveal()
    expect(ones).toMatch(/^sp_[0-9A-Za-z]{49}$/)
    expect(mintOpaque('sp', () => new Uint8Array(32)).token.reveal()).toMatch(/^sp_0{43}[0-9A-Za-z]{6}$/)
    expect(mintOpaque('sp', () => new Uint8Array(32).fill(255)).token.reveal()).toBe(ones)
  })

  test('are looked up by the SHA-256 of their whole text', () => {
    fc.assert(
      fc.property(kind, bits, (of, random) => {
        const minted = mintOpaque(of, () => random)
        expect(minted.hash).toBe(hash('sha256', minted.token.reveal(), 'hex'))
        expect(opaqueHash(of, minted.token)).toBe(minted.hash)
      }),
    )
  })

  test('differ for different bits', () => {
    fc.assert(
      fc.property(bits, bits, (a, b) => {
        fc.pre(!Buffer.from(a).equals(b))
        expect(mintOpaque('sp', () => a).token.reveal()).not.toBe(mintOpaque('sp', () => b).token.reveal())
      }),
    )
  })

  test('are no token of another kind', () => {
    fc.assert(
      fc.property(kind, kind, bits, (one, other, random) => {
        fc.pre(one !== other)
        const { token } = mintOpaque(one, () => random)
        expect(opaqueHash(other, token)).toBeUndefined()
        const renamed = token.reveal().replace(`${one}_`, `${other}_`)
        expect(opaqueHash(other, new Secret(renamed))).toBeUndefined()
      }),
    )
  })

  test('with one wrong character are known for mistyped', () => {
    const character = fc.constantFrom(
      ...Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_ \n'),
    )
    fc.assert(
      fc.property(bits, fc.nat(51), character, (random, at, other) => {
        const text = mintOpaque('sp', () => random).token.reveal()
        fc.pre(text[at] !== other)
        expect(opaqueHash('sp', new Secret(text.slice(0, at) + other + text.slice(at + 1)))).toBeUndefined()
      }),
    )
  })

  test('are nothing else', () => {
    fc.assert(fc.property(fc.string(), (text) => opaqueHash('sp', new Secret(text)) === undefined))
    const token = mintOpaque('sp').token.reveal()
    for (const text of [`${token}\n`, ` ${token}`, `${token}${token}`, token.slice(0, -1), ''])
      expect(opaqueHash('sp', new Secret(text))).toBeUndefined()
  })
})

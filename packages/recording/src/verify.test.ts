import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { closed, newSession, opened, operation } from '../test/ground.ts'
import { Chain } from './chain.ts'
import { keyId, sealLines } from './seal.ts'
import { verifyRecording, verifyRecordingStream } from './verify.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')

function recorded(operations: number, state: 'closed' | 'interrupted' = 'closed'): string[] {
  const session = newSession()
  const { chain, header } = Chain.begin(session, 1_000)
  const lines = [header]
  const events = [opened(session), ...Array.from({ length: operations }, (_, i) => operation(i + 1)), closed]
  for (const event of events) {
    const line = chain.draft(event, 1_000)
    chain.accept(line)
    lines.push(line)
  }
  const more = { state, at: 2_000, number: 1, previous: '', key: keyId(publicKey) }
  const sealed = sealLines(chain, more, privateKey)
  return [...lines, sealed.seal, sealed.signature]
}

const bytesOf = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''))

const whole = recorded(5)

describe('a recording', () => {
  it('is sound as it was written', () => {
    expect(verifyRecording(bytesOf(whole), publicKey)).toMatchObject({ state: 'sound', events: 7 })
  })

  it('says so where its session was interrupted', () => {
    expect(verifyRecording(bytesOf(recorded(2, 'interrupted')), publicKey).state).toBe('interrupted')
  })

  it('is the same in pieces', async () => {
    const bytes = bytesOf(whole)
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 7) yield await Promise.resolve(bytes.subarray(at, at + 7))
    }
    expect(await verifyRecordingStream(pieces(), publicKey)).toEqual(verifyRecording(bytes, publicKey))
  })

  it('is broken by the change of any bit of any byte', () => {
    const bytes = bytesOf(whole)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const changed = Buffer.from(bytes)
        changed[at]! ^= 1 << bit
        const { state } = verifyRecording(changed, publicKey)
        expect(state === 'sound' || state === 'interrupted').toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is broken by the removal, repetition or exchange of any lines', () => {
    const at = fc.nat({ max: whole.length - 1 })
    fc.assert(
      fc.property(at, at, fc.constantFrom('remove', 'repeat', 'exchange'), (a, b, what) => {
        const lines = whole.slice()
        if (what === 'remove') lines.splice(a, 1)
        else if (what === 'repeat') lines.splice(b, 0, lines[a]!)
        else [lines[a], lines[b]] = [lines[b]!, lines[a]!]
        fc.pre(lines.join('\n') !== whole.join('\n'))
        const { state } = verifyRecording(bytesOf(lines), publicKey)
        expect(state === 'sound' || state === 'interrupted').toBe(false)
      }),
    )
  })

  it('is never sound when it was cut off, wherever', () => {
    const bytes = bytesOf(whole)
    for (let end = 0; end < bytes.length; end++) {
      const { state } = verifyRecording(bytes.subarray(0, end), publicKey)
      expect(state === 'broken' || state === 'open').toBe(true)
    }
  })

  it('is open, not sound, without its seal', () => {
    expect(verifyRecording(bytesOf(whole.slice(0, -2)), publicKey)).toMatchObject({
      state: 'open',
      events: 7,
    })
  })

  it.each([
    ['another key', () => bytesOf(whole), generateKeyPairSync('ed25519').publicKey, /not signed by the key/],
    [
      'the seal of another session',
      () => bytesOf([...whole.slice(0, -2), ...recorded(5).slice(-2)]),
      publicKey,
      /that of session/,
    ],
    ['more after its signature', () => bytesOf([...whole, '{}']), publicKey, /nothing may follow/],
    ['no signature', () => bytesOf(whole.slice(0, -1)), publicKey, /before the signature/],
    ['half a last line', () => bytesOf(whole).subarray(0, -1), publicKey, /middle of a line/],
    ['nothing', () => Buffer.alloc(0), publicKey, /empty/],
    ['a foreign beginning', () => Buffer.from('{"hello":1}\n'), publicKey, /does not begin/],
    ['a seal alone', () => bytesOf(whole.slice(-2)), publicKey, /a seal of nothing/],
  ])('is broken by %s, and says why', (_, bytes, key, why) => {
    const verification = verifyRecording(bytes(), key)
    expect(verification.state).toBe('broken')
    expect(verification.detail).toMatch(why)
  })

  it('survives hostile bytes with an answer', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.json(), fc.constantFrom(...whole), fc.string())), (lines) => {
        const { state } = verifyRecording(bytesOf(lines), publicKey)
        expect(['broken', 'open']).toContain(state)
      }),
    )
  })
})

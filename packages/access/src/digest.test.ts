import fc from 'fast-check'
import type { Parameter, SessionId } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { digestOf } from './digest.ts'

const place = { session: 'ses_1' as SessionId, resource: 'orders-db', account: 'app' }

interface Parts {
  readonly place: typeof place
  readonly text: string
  readonly parameters: readonly Parameter[]
  readonly binding: readonly string[]
}

const digest = (parts: Parts): string =>
  digestOf({ text: parts.text, parameters: parts.parameters, binding: () => parts.binding }, parts.place)

// Few letters, so that different parts often have the same letters in another order.
const word = fc.string({ unit: fc.constantFrom('a', 'b', '\0', '\ud800', '\udc00'), maxLength: 3 })
const parameter = fc.oneof(
  word,
  fc.constant(null),
  word.map((text): Parameter => Buffer.from(text)),
)
const anything: fc.Arbitrary<Parts> = fc.record({
  place: fc.record({ session: word.map((id) => id as SessionId), resource: word, account: word }),
  text: word,
  parameters: fc.array(parameter, { maxLength: 3 }),
  binding: fc.array(word, { maxLength: 3 }),
})

describe('the digest of an operation', () => {
  it('is the same for the same operation, and another for any other', () => {
    fc.assert(
      fc.property(anything, anything, (one, other) => {
        const isSame = fc.stringify(one) === fc.stringify(other)
        expect(digest(one) === digest(other)).toBe(isSame)
        expect(digest(one)).toBe(digest(structuredClone(one)))
      }),
      { numRuns: 5_000 },
    )
  })

  it.each<[string, Parts, Parts]>([
    ['a parameter’s form', parts({ parameters: ['a'] }), parts({ parameters: [Buffer.from('a')] })],
    ['NULL and the empty text', parts({ parameters: [null] }), parts({ parameters: [''] })],
    ['where one parameter ends', parts({ parameters: ['ab', 'c'] }), parts({ parameters: ['a', 'bc'] })],
    ['what is a parameter and what is bound', parts({ parameters: ['a'] }), parts({ binding: ['a'] })],
    ['halves of a surrogate pair', parts({ text: '\ud800' }), parts({ text: '\udbff' })],
    ['the account', parts({}), parts({ place: { ...place, account: 'admin' } })],
    ['the session', parts({}), parts({ place: { ...place, session: 'ses_2' as SessionId } })],
  ])('tells apart %s', (_, one, other) => {
    expect(digest(one)).not.toBe(digest(other))
  })
})

function parts(over: Partial<Parts>): Parts {
  return { place, text: 'select $1', parameters: [], binding: [], ...over }
}

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readExchange } from './exchange-form.ts'
import { OAuthError } from './oauth-error.ts'
import { Parameters } from './parameters.ts'

const issuer = 'https://gateway.example:8443'
const word = fc.oneof(
  fc.constantFrom(issuer, 'orders-db', 'web-1', '', ' ', '\0', 'ü', '..', 'https://other.example'),
  fc.constantFrom(
    'resource:orders-db',
    'account:app',
    'action:read',
    'openid',
    'resource:',
    'resource:a resource:b',
  ),
  fc.string(),
)
const field = fc.tuple(fc.constantFrom('audience', 'resource', 'scope', 'client_id'), word)

test('any form is refused, or narrows to no more than what it names', () => {
  const found = fc.check(
    fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
      const token: [string, string][] = [
        ['subject_token', 'sp_x'],
        ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
      ]
      try {
        const { restriction } = readExchange(
          new Parameters(new URLSearchParams([...token, ...fields])),
          issuer,
        )
        const said = fields.map(([, value]) => value).join(' ')
        const names = Object.values(restriction).flat().map(String)
        const isNarrowed = fields.some(
          ([name, value]) =>
            value !== '' &&
            (name === 'scope' ? value.trim() !== '' : name === 'audience' && value !== issuer),
        )
        return names.every((name) => name !== '' && said.includes(name)) && names.length > 0 === isNarrowed
      } catch (thrown) {
        return (
          thrown instanceof OAuthError &&
          /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(thrown.body.error_description)
        )
      }
    }),
    { numRuns: 2000 },
  )
  expect(found.counterexample).toBeNull()
})

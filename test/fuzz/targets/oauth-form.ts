import { readExchange } from '../../../packages/gateway/src/front/oauth/exchange-form.ts'
import { OAuthError } from '../../../packages/gateway/src/front/oauth/oauth-error.ts'
import { Parameters } from '../../../packages/gateway/src/front/oauth/parameters.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: the form that is sent to the token endpoint. */
export const target: Target = {
  name: 'oauth-form',
  promise:
    'any form is refused in words that RFC 6749 allows and that repeat no token, or narrows to no more than what it names',
  unit: 'forms',
  units: { long: 1_000_000, short: 2_000 },
  guide: /packages\/gateway\/src\/front\/oauth\//,
  maxBytes: 8 * 1024,
  slowMs: 200,
  open: () => Promise.resolve(subject),
}

const secret = 'sp_s3cr3t'
const issuer = 'https://gateway.example:8443'
const start = `subject_token=${secret}&subject_token_type=urn:ietf:params:oauth:token-type:access_token`

const subject: Subject = {
  seeds: [
    start,
    `${start}&audience=orders-db&audience=web-1&resource=${issuer}`,
    `${start}&scope=resource:orders-db+account:app+action:read`,
    `${start}&actor_token=${secret}&actor_token_type=urn:ietf:params:oauth:token-type:jwt`,
    `${start}&requested_token_type=urn:ietf:params:oauth:token-type:access_token&client_id=psql`,
  ].map((text) => Buffer.from(text)),
  words: ['&', '=', '+', '%20', '%00', '%ff', '%', ';', 'audience=', 'resource=', 'scope=', 'resource:', 'account:', 'action:', secret, 'subject_token=', 'actor_token=', '_type=', '__proto__=', issuer].map((text) => Buffer.from(text)), // prettier-ignore
  run(input) {
    const form = new URLSearchParams(input.toString('utf8'))
    try {
      const { subjectToken, restriction } = readExchange(new Parameters(form), issuer)
      must(subjectToken.reveal() === form.get('subject_token')?.trim(), () => 'another token was read')
      const named = [...form.getAll('audience'), ...(form.get('scope') ?? '').split(/[ :]/)]
      for (const names of Object.values(restriction)) {
        must(Array.isArray(names) && names.length > 0, () => 'it is narrowed to nothing at all')
        for (const name of names.map(String))
          must(
            named.some((it) => it !== '' && name.includes(it)),
            () => `${name} was not named`,
          )
      }
      const isAsked =
        form.getAll('audience').some((it) => it !== '' && it !== issuer) ||
        /[^ ]/.test(form.get('scope') ?? '')
      must(Object.keys(restriction).length > 0 === isAsked, () => 'what was asked for was left out')
    } catch (thrown) {
      if (!(thrown instanceof OAuthError)) throw thrown
      const { error_description: words } = thrown.body
      must(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(words), () => `not to be said: ${JSON.stringify(words)}`)
      must(!words.includes(secret), () => 'an error repeats a token')
    }
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

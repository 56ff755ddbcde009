import { maxNamedInRestriction, Secret, type Restriction } from '@sallyport/core'
import { looksLikeJwt } from '@sallyport/identity'
import { OAuthError } from './oauth-error.ts'
import type { Parameters } from './parameters.ts'

/** RFC 8693 section 3. */
export const tokenTypes = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const

/** What a form asks to have exchanged. RFC 8693 section 2.1 */
export interface ExchangeForm {
  readonly subjectToken: Secret
  readonly actorToken: Secret | undefined
  readonly restriction: Restriction
}

/**
 * @param issuer the gateway's own address
 * @throws OAuthError
 */
export function readExchange(form: Parameters, issuer: string): ExchangeForm {
  const wanted = form.get('requested_token_type') ?? tokenTypes.accessToken
  if (wanted !== tokenTypes.accessToken)
    throw new OAuthError('invalid_request', `requested_token_type is ${tokenTypes.accessToken}`)
  const actor = form.get('actor_token')
  if (actor === undefined && form.get('actor_token_type') !== undefined)
    throw new OAuthError('invalid_request', 'actor_token_type goes with an actor_token')
  return {
    subjectToken: tokenOf(form, 'subject_token'),
    actorToken: actor === undefined ? undefined : tokenOf(form, 'actor_token'),
    restriction: restrictionOf(form, issuer),
  }
}

/** ID tokens say to a client that somebody signed in, and nothing to anybody else. */
function tokenOf(form: Parameters, name: 'subject_token' | 'actor_token'): Secret {
  // A file with a token in it may end with a line's end.
  const text = form.need(name).trim()
  const type = form.need(`${name}_type`)
  if (type !== tokenTypes.accessToken && type !== tokenTypes.jwt)
    throw new OAuthError('invalid_request', `${name}_type is ${tokenTypes.jwt} or ${tokenTypes.accessToken}`)
  if (type === tokenTypes.jwt && !looksLikeJwt(text))
    throw new OAuthError('invalid_request', `${name} is no JWT`)
  return new Secret(text)
}

/** What `audience`, `resource` and `scope` leave. All that is said must be understood, or more would be given than was asked for. */
function restrictionOf(form: Parameters, issuer: string): Restriction {
  for (const uri of form.all('resource'))
    if (uri !== issuer) throw new OAuthError('invalid_target', 'a resource is the address of this gateway')
  const audiences = form.all('audience').filter((audience) => audience !== issuer)
  if (!audiences.every((it) => resourceName.test(it)))
    throw new OAuthError(
      'invalid_target',
      'an audience is the name of a resource, or the address of this gateway',
    )
  const scopes = (form.get('scope') ?? '').split(' ').filter((it) => it !== '')
  const named = (prefix: string): string[] =>
    scopes.flatMap((it) => (it.startsWith(prefix) ? [it.slice(prefix.length)] : []))
  const [resources, accounts, actions] = [named('resource:'), named('account:'), named('action:')]
  const known = [...resources, ...accounts, ...actions]
  if (known.length < scopes.length || known.some((it) => !scopeName.test(it)))
    throw new OAuthError('invalid_scope', 'scopes are resource:NAME, account:NAME and action:NAME')
  const both = audiences.length > 0 && resources.length > 0
  const either = both ? audiences.filter((it) => resources.includes(it)) : [...audiences, ...resources]
  if (both && either.length === 0)
    throw new OAuthError('invalid_target', 'audience and scope have no resource in common')
  if (Math.max(either.length, accounts.length, actions.length) > maxNamedInRestriction)
    throw new OAuthError('invalid_scope', `at most ${maxNamedInRestriction} of each can be named`)
  return {
    ...(either.length > 0 && { resources: either }),
    ...(accounts.length > 0 && { accounts }),
    ...(actions.length > 0 && { actions }),
  }
}

const resourceName = /^[A-Za-z0-9._-]{1,128}$/
/** RFC 6749 section 3.3 */
const scopeName = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

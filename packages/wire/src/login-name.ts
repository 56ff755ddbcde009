import { Fault } from '@sallyport/core'

/** What a client names in the place of a user: the resource, and the account on it where it is not the first. */
export interface LoginName {
  readonly resource: string
  readonly account?: string
}

const maxLength = 255

/**
 * `resource` or `resource+account`; `%2B` and `%25` stand for `+` and `%` in a name. The same in every protocol that has user names.
 * @throws Fault client/malformed
 */
export function readLoginName(user: string): LoginName {
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused
  if (user.length > maxLength || /[\x00-\x1f\x7f]/.test(user))
    throw new Fault('client/malformed', 'the user name is not a valid resource name')
  const [resource = '', account, ...more] = user.split('+').map(unescape)
  if (more.length > 0 || resource === '' || account === '') {
    throw new Fault('client/malformed', 'the user name must be RESOURCE or RESOURCE+ACCOUNT')
  }
  return account === undefined ? { resource } : { resource, account }
}

function unescape(text: string): string {
  return text.replace(/%2B|%25/gi, (escape) => (escape === '%25' ? '%' : '+'))
}

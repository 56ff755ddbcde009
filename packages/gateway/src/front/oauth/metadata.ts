/** What the gateway can do as an OAuth authorization server. */
export const grantTypes = {
  deviceCode: 'urn:ietf:params:oauth:grant-type:device_code',
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
} as const

export const paths = {
  deviceAuthorization: '/oauth/device_authorization',
  token: '/oauth/token',
} as const

/** Where OpenID Connect Discovery section 4 has it: PostgreSQL's clients are told this one. */
export const metadataPath = '/.well-known/openid-configuration'
/** And RFC 8414 section 3. */
export const metadataPaths = [metadataPath, '/.well-known/oauth-authorization-server'] as const

/**
 * RFC 8414 section 2. What is not offered is left out: there is no authorization endpoint, and so no response type; no token is an ID
 * token, and none is signed. Lists without an element must be left out, too (section 3.2).
 */
export function metadataOf(issuer: string): Readonly<Record<string, unknown>> {
  return {
    issuer,
    token_endpoint: issuer + paths.token,
    device_authorization_endpoint: issuer + paths.deviceAuthorization,
    grant_types_supported: Object.values(grantTypes),
    token_endpoint_auth_methods_supported: ['none'],
  }
}

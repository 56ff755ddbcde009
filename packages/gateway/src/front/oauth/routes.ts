import { isRefusal, Secret, type Clock, type RefusalCode } from '@sallyport/core'
import type { DeviceGrantError, DeviceGrants, MintedToken, TokenExchange } from '@sallyport/identity'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readExchange, tokenTypes } from './exchange-form.ts'
import { grantTypes, metadataOf, metadataPaths, paths } from './metadata.ts'
import { OAuthError, oauthErrorOf, throttled } from './oauth-error.ts'
import { Parameters } from './parameters.ts'

export interface OAuthParts {
  /** Public clients by their ids. */
  readonly clients: readonly string[]
  readonly deviceGrants: Pick<DeviceGrants, 'begin' | 'redeem'>
  readonly tokenExchange: Pick<TokenExchange, 'exchange'>
  /** The gateway's base address, without a slash at its end. */
  readonly issuer: () => string
  readonly clock: Clock
  readonly onSignedIn: (principal: string, address: string) => void
  readonly onRefused: (address: string, code: RefusalCode) => void
  readonly onTrouble: (error: unknown, route: string) => void
}

/**
 * The gateway as an OAuth authorization server: for clients that know nothing of Sallyport, such as libpq. Its clients are public, and
 * what they show stands in a form, never in an address.
 */
export function registerOAuth(app: FastifyInstance, parts: OAuthParts, signInsPerMinute: number): void {
  const { clients, deviceGrants, clock } = parts
  const named = (routeName: string) => ({ config: { routeName } })
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: maxFormBytes },
      (_request, body, parsed) => parsed(null, new URLSearchParams(String(body))),
    )
    scope.setErrorHandler((error, request, reply) => {
      const known = oauthErrorOf(error)
      if (known === undefined || known.status >= 500) parts.onTrouble(error, nameOf(request))
      return sayError(reply, known ?? failed)
    })
    for (const path of metadataPaths)
      scope.get(path, named('oauth.metadata'), (_request, reply) => say(reply, metadataOf(parts.issuer())))

    scope.post(
      paths.deviceAuthorization,
      {
        config: {
          routeName: 'oauth.device-authorization',
          rateLimit: { max: signInsPerMinute, timeWindow: '1 minute' },
        },
      },
      (request, reply) => {
        const form = formOf(request)
        const clientId = clientOf(form)
        refuseScope(form)
        const begun = deviceGrants.begin(clientId, request.ip)
        if (isRefusal(begun)) throw throttled(begun)
        const { url, userCode, deviceCode, expiresAtMs, intervalSeconds } = begun
        return say(reply, {
          device_code: deviceCode.reveal(),
          user_code: userCode,
          verification_uri: url,
          verification_uri_complete: `${url}?code=${userCode}`,
          expires_in: secondsUntil(expiresAtMs),
          interval: intervalSeconds,
        })
      },
    )

    scope.post(paths.token, named('oauth.token'), async (request, reply) => {
      const form = formOf(request)
      switch (form.need('grant_type')) {
        case grantTypes.deviceCode:
          return say(reply, await byDeviceCode(form, request.ip))
        case grantTypes.tokenExchange:
          return say(reply, await byExchange(form, request.ip))
        default:
          throw new OAuthError('unsupported_grant_type', 'this grant type is not offered here')
      }
    })
    done()
  })

  async function byDeviceCode(form: Parameters, address: string): Promise<object> {
    const clientId = clientOf(form)
    const redeemed = await deviceGrants.redeem(new Secret(form.need('device_code')), clientId)
    if (typeof redeemed !== 'string') {
      parts.onSignedIn(redeemed.principalId, address)
      return bearer(redeemed)
    }
    if (redeemed === 'access_denied') parts.onRefused(address, 'denied')
    if (redeemed === 'expired_token' || redeemed === 'invalid_grant')
      parts.onRefused(address, 'invalid-credential')
    throw new OAuthError(redeemed, deviceErrors[redeemed])
  }

  /** What is exchanged says who asks: a client need not. RFC 8693 section 2.1 */
  async function byExchange(form: Parameters, address: string): Promise<object> {
    if (form.get('client_id') !== undefined || form.get('client_secret') !== undefined) clientOf(form)
    const asked = readExchange(form, parts.issuer())
    const exchanged = await parts.tokenExchange.exchange({ ...asked, address })
    if (!isRefusal(exchanged)) {
      parts.onSignedIn(exchanged.principalId, address)
      return { ...bearer(exchanged), issued_token_type: tokenTypes.accessToken }
    }
    parts.onRefused(address, exchanged.code)
    if (exchanged.code === 'throttled') throw throttled(exchanged)
    // Section 2.2.2: whatever is wrong with a token, or is not to be done with it.
    throw new OAuthError('invalid_request', exchanged.reason)
  }

  /** Public clients have no secret: one that shows one takes us for somebody else. */
  function clientOf(form: Parameters): string {
    const clientId = form.need('client_id')
    const secret = ['client_secret', 'client_assertion'].find((name) => form.get(name) !== undefined)
    if (secret !== undefined)
      throw new OAuthError('invalid_client', `clients are public here: leave out ${secret}`)
    if (!clients.includes(clientId))
      throw new OAuthError('invalid_client', 'there is no such client: see oauth.clients of the gateway')
    return clientId
  }

  function bearer({ token, expiresAtMs }: MintedToken): Record<string, unknown> {
    return {
      access_token: token.reveal(),
      token_type: 'Bearer',
      expires_in: secondsUntil(expiresAtMs),
    }
  }

  function secondsUntil(ms: number): number {
    return Math.max(0, Math.floor((ms - clock.now()) / 1000))
  }
}

/** What a scope would leave out of what a token may do must not be given all the same. */
function refuseScope(form: Parameters): void {
  if (form.get('scope') !== undefined)
    throw new OAuthError('invalid_scope', 'there are no scopes here: leave it out')
}

/** @throws OAuthError where something stands in the address, or a secret in a header */
function formOf({ headers, body, url }: FastifyRequest): Parameters {
  if (url.includes('?'))
    throw new OAuthError('invalid_request', 'parameters stand in the body, never in the address')
  if (headers.authorization !== undefined)
    throw new OAuthError('invalid_client', 'clients are public here: send client_id in the form', 401)
  if (!(body instanceof URLSearchParams))
    throw new OAuthError('invalid_request', 'send application/x-www-form-urlencoded')
  return new Parameters(body)
}

function nameOf({ routeOptions: { config } }: FastifyRequest): string {
  return 'routeName' in config ? String(config.routeName) : 'oauth'
}

/** `no-store` is on every answer of the gateway. RFC 6749 section 5.1 */
function say(reply: FastifyReply, body: object): FastifyReply {
  return reply.header('pragma', 'no-cache').type('application/json').send(JSON.stringify(body))
}

function sayError(reply: FastifyReply, error: OAuthError): FastifyReply {
  if (error.status === 401) reply.header('www-authenticate', 'Basic realm="sallyport"')
  return say(reply.status(error.status), error.body)
}

const deviceErrors: Readonly<Record<DeviceGrantError, string>> = {
  authorization_pending: 'nobody has answered yet',
  slow_down: 'ask less often: five seconds more between two questions',
  access_denied: 'the sign-in was sent away',
  expired_token: 'the sign-in was not completed in time: begin anew',
  invalid_grant: 'the device code is not good, or no longer, for this client: begin anew',
}
const failed = new OAuthError('server_error', 'the gateway failed; the operators have the details', 500)
/** Two tokens of other issuers, and what goes with them. */
const maxFormBytes = 32_768

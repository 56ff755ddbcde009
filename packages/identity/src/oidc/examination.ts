import { shown } from '../federation/claims.ts'
import { isObject } from '../federation/jwt.ts'
import { usable } from '../federation/issuer-keys.ts'
import { bad, good, warning, type Finding, type Look } from '../finding.ts'
import { ask, Unreachable } from './fetch.ts'
import type { ProviderParts, ProviderSettings } from './provider.ts'

export interface ExaminationParts extends ProviderParts {
  /** Where browsers come back to. */
  readonly redirectUri: string
  /** In place of {@link ask}, for tests. */
  readonly fetch?: typeof ask
}

/** Looks at everything that has to be right for people to sign in at the provider, without signing anybody in. */
export class ProviderExamination {
  readonly #parts: ExaminationParts
  readonly #fetch: typeof ask
  readonly #metadata: Promise<{ readonly it: Metadata; readonly date: string | null }>

  constructor(parts: ExaminationParts) {
    this.#parts = parts
    this.#fetch = parts.fetch ?? ask
    this.#metadata = this.#discover()
    // Each look says it anew.
    this.#metadata.catch(() => undefined)
  }

  /** In the order in which they should be mended: the first that is bad makes those behind it so. */
  get looks(): readonly Look[] {
    return [
      { name: 'identity provider', look: () => this.#looked(() => this.#metadataIsGood()) },
      { name: 'identity provider: keys', look: () => this.#looked(() => this.#keys()) },
      { name: 'identity provider: clock', look: () => this.#looked(() => this.#clock()) },
      { name: 'identity provider: client', look: () => this.#looked(() => this.#client()) },
      { name: 'identity provider: redirect', look: () => this.#looked(() => this.#redirect()) },
      { name: 'identity provider: scopes', look: () => this.#looked(() => this.#scopes()) },
    ]
  }

  async #looked(look: () => Promise<Finding>): Promise<Finding> {
    try {
      return await look()
    } catch (thrown) {
      if (thrown instanceof Wrong) return thrown.finding
      if (thrown instanceof Unreachable) return bad(thrown.message, unreachable(thrown.message))
      throw thrown
    }
  }

  async #discover(): Promise<{ readonly it: Metadata; readonly date: string | null }> {
    const { issuer } = this.#parts.settings
    const url = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const response = await this.#ask(url)
    const where = `${url.host}${url.pathname}`
    if (response.status !== 200)
      throw new Wrong(
        bad(
          `${where} answers ${response.status}`,
          'set oidc.issuer to what the provider calls its issuer: there is no metadata below this one',
        ),
      )
    const it = await json(response)
    if (it === undefined)
      throw new Wrong(
        bad(`${where} is no metadata`, 'set oidc.issuer to the issuer itself, not to a page of the provider'),
      )
    return { it, date: response.headers.get('date') }
  }

  async #metadataIsGood(): Promise<Finding> {
    const { issuer, clientAuthentication } = this.#parts.settings
    const { it } = await this.#metadata
    if (it['issuer'] !== issuer)
      return bad(
        `it calls itself ${shown(it['issuer'])}`,
        `set oidc.issuer to exactly that, if it is who you mean`,
      )
    for (const endpoint of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'])
      if (addressIn(it, endpoint) === undefined)
        return bad(
          `it has no ${endpoint} of https`,
          'use an OpenID provider that offers the code flow over TLS',
        )
    if (!offers(it, 'response_types_supported', 'code'))
      return bad('it does not offer the authorization code flow', 'allow response type code there')
    if (!offers(it, 'token_endpoint_auth_methods_supported', clientAuthentication, 'client_secret_basic'))
      return bad(
        `it does not take ${clientAuthentication}`,
        `set oidc.clientAuthentication to one of ${textsOf(it, 'token_endpoint_auth_methods_supported').join(', ')}`,
      )
    const methods = textsOf(it, 'code_challenge_methods_supported')
    if (methods.length > 0 && !methods.includes('S256'))
      return bad('it does not know PKCE with S256', 'use a provider that does, or turn it on there')
    return good(`${issuer} can be asked`)
  }

  async #keys(): Promise<Finding> {
    const { it } = await this.#metadata
    const url = needed(it, 'jwks_uri')
    const set = await json(await this.#ask(url))
    const count = isObject(set) && Array.isArray(set['keys']) ? usable(set).length : 0
    return count > 0
      ? good(`${count} published`)
      : bad(
          `${url.host}${url.pathname} has no key that an ID token could be verified by`,
          'see that it signs with RS256, ES256 or their like, and publishes the keys',
        )
  }

  async #clock(): Promise<Finding> {
    const { date } = await this.#metadata
    const theirs = date === null ? Number.NaN : Date.parse(date)
    if (Number.isNaN(theirs)) return good('it does not tell the time')
    const seconds = Math.round((this.#parts.clock.now() - theirs) / 1000)
    const words = `this machine is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} it`
    return Math.abs(seconds) <= tolerableSeconds
      ? good(`within ${tolerableSeconds} s of this machine’s`)
      : bad(words, 'set this machine’s clock by NTP: tokens look expired, or not valid yet')
  }

  /** A code that nobody was given is refused as such by a provider that knows the client, and not before. RFC 6749 section 5.2 */
  async #client(): Promise<Finding> {
    const { settings, clientSecret, redirectUri } = this.#parts
    const { it } = await this.#metadata
    const url = needed(it, 'token_endpoint')
    const secret = await clientSecret().catch(() => undefined)
    if (secret === undefined)
      return bad(
        'the client secret cannot be read',
        'see oidc.clientSecret: the variable, file or credential',
      )
    const isBasic = settings.clientAuthentication === 'client_secret_basic'
    const pair = [settings.clientId, secret.reveal()].map(formEncoded).join(':')
    const response = await this.#ask(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(isBasic && { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }),
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: 'asked-by-sallyport-doctor',
        code_verifier: 'x'.repeat(43),
        redirect_uri: redirectUri,
        ...(!isBasic && { client_id: settings.clientId, client_secret: secret.reveal() }),
      }).toString(),
    })
    const { error } = (await json(response)) ?? {}
    switch (error) {
      case 'invalid_grant':
        return good(`it knows ${settings.clientId} by its secret`)
      case 'invalid_client':
        return bad(
          `it does not know ${settings.clientId} by this secret`,
          'compare oidc.clientId and oidc.clientSecret with what it shows, and whether the secret has expired',
        )
      case 'unauthorized_client':
      case 'unsupported_grant_type':
        return bad(
          `${settings.clientId} may not use the authorization code grant`,
          'allow the grant type there: the client is a web application',
        )
      default:
        return warning(
          `it answers ${response.status} ${typeof error === 'string' ? shown(error) : ''}`.trimEnd(),
          'sign in once by a browser to see whether the client is right',
        )
    }
  }

  /** It must not lead a browser to an address that is not registered. RFC 6749 section 4.1.2.1 */
  async #redirect(): Promise<Finding> {
    const { settings, redirectUri } = this.#parts
    const { it } = await this.#metadata
    const url = needed(it, 'authorization_endpoint')
    const asked = {
      client_id: settings.clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: settings.scopes.join(' '),
      state: 'asked-by-sallyport-doctor',
      nonce: 'asked-by-sallyport-doctor',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      prompt: 'none',
    }
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
    const response = await this.#ask(url, { headers: { accept: 'text/html' } })
    const back = response.headers.get('location') ?? ''
    if (!isBack(back, redirectUri)) {
      const register = `register ${redirectUri} there as redirect address, to the letter`
      return response.status >= 400
        ? bad(`it does not lead back to ${redirectUri} (${response.status})`, register)
        : warning(`it does not say whether it leads back to ${redirectUri}`, register)
    }
    const error = new URL(back).searchParams.get('error')
    if (error === 'invalid_scope')
      return bad(
        `it does not know one of the scopes ${settings.scopes.join(' ')}`,
        'see oidc.scopes, and which of them the client may ask for',
      )
    if (error === 'unauthorized_client' || error === 'unsupported_response_type')
      return bad(`it answers ${error}`, 'allow the authorization code grant for this client')
    return good(`it leads back to ${redirectUri}`)
  }

  async #scopes(): Promise<Finding> {
    const { scopes, groupsClaim, nameClaim } = this.#parts.settings
    const { it } = await this.#metadata
    const known = textsOf(it, 'scopes_supported')
    const unknown = known.length === 0 ? [] : scopes.filter((scope) => !known.includes(scope))
    if (unknown.length > 0)
      return warning(
        `it does not say that it has ${unknown.join(', ')}`,
        'take out of oidc.scopes what it does not know',
      )
    const claims = textsOf(it, 'claims_supported')
    const missing =
      claims.length === 0
        ? []
        : [groupsClaim, nameClaim].filter((claim) => !claim.startsWith('/') && !claims.includes(claim))
    if (missing.length > 0)
      return warning(
        `it does not say that it sends ${missing.join(', ')}`,
        'set oidc.groupsClaim and oidc.nameClaim to claims that it sends, or add them there',
      )
    return hasRefresh(this.#parts.settings, it)
      ? good(`it has ${scopes.join(', ')}`)
      : warning(
          'it may give no refresh token: who is removed there goes on here until the next sign-in, an hour at most',
          'allow refresh tokens for the client, or add offline_access to oidc.scopes',
        )
  }

  #ask(url: URL, asked: Parameters<typeof ask>[1] = {}): Promise<Response> {
    const { certificateAuthority } = this.#parts.settings
    return this.#fetch(url, { ...asked, certificateAuthority })
  }
}

type Metadata = Readonly<Record<string, unknown>>

class Wrong extends Error {
  readonly finding: Finding

  constructor(finding: Finding) {
    super(finding.detail)
    this.finding = finding
  }
}

/** What mends it, by the code that Node.js gives. */
function unreachable(words: string): string {
  if (/ENOTFOUND|EAI_AGAIN/.test(words)) return 'see the host in oidc.issuer, and this machine’s DNS'
  if (/CERT_HAS_EXPIRED/.test(words)) return 'renew the provider’s certificate'
  if (/ALTNAME/.test(words))
    return 'use in oidc.issuer the host name for which the provider has its certificate'
  if (/CERT|SIGNATURE|ISSUER/.test(words))
    return 'set oidc.certificateAuthority to a PEM file of who signs the provider’s certificate'
  return 'see the host and port in oidc.issuer, and whether this machine may go there'
}

async function json(response: Response): Promise<Metadata | undefined> {
  try {
    const value = (await response.json()) as unknown
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function addressIn(it: Metadata, name: string): URL | undefined {
  const value = it[name]
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined
  const url = new URL(value)
  return url.protocol === 'https:' ? url : undefined
}

function needed(it: Metadata, name: string): URL {
  const url = addressIn(it, name)
  if (url === undefined) throw new Wrong(bad(`it has no ${name} of https`, 'see the first line about it'))
  return url
}

function textsOf(it: Metadata, name: string): readonly string[] {
  const value = it[name]
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}

/** @param otherwise what a provider that does not say has. OpenID Connect Discovery section 3 */
function offers(it: Metadata, name: string, wanted: string, otherwise = wanted): boolean {
  const values = textsOf(it, name)
  return values.length === 0 ? wanted === otherwise : values.includes(wanted)
}

function hasRefresh({ scopes, parameters }: ProviderSettings, it: Metadata): boolean {
  const isAsked =
    scopes.includes('offline_access') ||
    parameters['access_type'] === 'offline' ||
    !textsOf(it, 'scopes_supported').includes('offline_access')
  const grants = textsOf(it, 'grant_types_supported')
  return isAsked && (grants.length === 0 || grants.includes('refresh_token'))
}

function isBack(location: string, redirectUri: string): boolean {
  if (!URL.canParse(location)) return false
  const { origin, pathname } = new URL(location)
  const own = new URL(redirectUri)
  return origin === own.origin && pathname === own.pathname
}

/** RFC 6749 section 2.3.1: what stands in a Basic header is form-encoded first. */
function formEncoded(text: string): string {
  return new URLSearchParams({ _: text }).toString().slice(2)
}

const tolerableSeconds = 30

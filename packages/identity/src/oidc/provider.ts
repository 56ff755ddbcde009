import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  ResponseBodyError,
  skipSubjectCheck,
  type Configuration,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from 'openid-client'
import { Secret, type Clock, type SignedIn, type SignInTerms } from '@sallyport/core'
import { claimAt, isDistributed, shown, textsIn } from '../federation/claims.ts'
import type { Claims } from '../federation/jwt.ts'
import { groupNames, maxGroups } from '../provider-users.ts'
import { SignInProblem, type SignedInPerson, type SignInProvider } from '../sign-in-provider.ts'
import { sessionIn, signedInBy } from '../signed-in.ts'
import { ask, askForJson, Unreachable } from './fetch.ts'

/** The company's identity provider, as the gateway is configured to use it. */
export interface ProviderSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientAuthentication: 'client_secret_basic' | 'client_secret_post'
  readonly scopes: readonly string[]
  /** Names or JSON Pointers, in the ID token or, where it does not have them, in what the provider's userinfo says. */
  readonly groupsClaim: string
  readonly nameClaim: string
  /** Of the ID token: who somebody is. `sub`, unless the provider has one that others of its services know people by. */
  readonly subjectClaim: string
  /** By which claim of the ID token it says what class a sign-in is of: `acr`, or one that is asked for by `claims`. */
  readonly acrClaim: string
  /** The only classes of sign-ins that it is asked for and that are taken; any where absent. */
  readonly acrValues?: readonly string[] | undefined
  /** The only groups that are taken, where there are any. */
  readonly onlyGroups?: readonly string[] | undefined
  /** Further parameters of the request to sign in. */
  readonly parameters: Readonly<Record<string, string>>
  /** PEM, where the system does not know who signs its certificate. */
  readonly certificateAuthority?: string | undefined
}

export interface Flow {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export interface ProviderParts {
  readonly settings: ProviderSettings
  /** Rejects where it is not there. */
  readonly clientSecret: () => Promise<Secret>
  readonly clock: Clock
}

/** An OpenID provider: the authorization code flow with PKCE, state and nonce, and refreshes. Everything goes over TLS. */
export class Provider implements SignInProvider<Flow> {
  readonly #parts: ProviderParts
  #known: { readonly configuration: Promise<Configuration>; readonly atMs: number } | undefined

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  get issuer(): string {
    return this.#parts.settings.issuer
  }

  get subjectClaim(): string {
    return this.#parts.settings.subjectClaim
  }

  get clientId(): string {
    return this.#parts.settings.clientId
  }

  /** The keys that it publishes. Rejects where they cannot be had. */
  async keySet(): Promise<unknown> {
    const { certificateAuthority } = this.#parts.settings
    const { jwks_uri: uri } = (await this.#configuration()).serverMetadata()
    if (uri === undefined) throw new SignInProblem('unavailable', 'the provider does not publish its keys')
    return askForJson(new URL(uri), certificateAuthority)
  }

  /** Where to send the browser. @throws SignInProblem */
  async begin(back: string, asked: SignInTerms = {}): Promise<{ readonly url: URL; readonly flow: Flow }> {
    const { scopes, parameters } = this.#parts.settings
    const flow = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
    return worded(async () => {
      const url = buildAuthorizationUrl(await this.#configuration(), {
        ...parameters,
        ...this.#asking(asked),
        redirect_uri: back,
        scope: scopes.join(' '),
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: 'S256',
        response_type: 'code',
      })
      return { url, flow }
    })
  }

  /** OpenID Connect Core sections 3.1.2.1 and 5.5.1.1 @throws SignInProblem where it is not to be asked for that */
  #asking({ acr: wanted, maxAgeMs }: SignInTerms): Record<string, string> {
    const { acrClaim, acrValues } = this.#parts.settings
    const acr = wanted?.filter((one) => acrValues?.includes(one) ?? true)
    if (acr?.length === 0)
      throw new SignInProblem('refused', 'oidc.acrValues has nothing of what is asked for')
    const age = maxAgeMs === undefined ? {} : { max_age: String(Math.ceil(maxAgeMs / 1000)) }
    if (acr === undefined) return age
    if (acrClaim === 'acr') return { ...age, acr_values: acr.join(' ') }
    const values = acr.length === 1 ? { value: acr[0] } : { values: acr }
    return { ...age, claims: JSON.stringify({ id_token: { [acrClaim]: { essential: true, ...values } } }) }
  }

  /**
   * Whom the provider has signed in. The answer must be of this flow, of this provider (`iss`, wherever it says that it sends one), and
   * to this client.
   * @param answer the query of the address at which the browser came back
   * @throws SignInProblem
   */
  complete(answer: URLSearchParams, { state, nonce, verifier }: Flow, back: string): Promise<SignedInPerson> {
    return worded(async () => {
      const configuration = await this.#configuration()
      const tokens = await authorizationCodeGrant(configuration, new URL(`?${answer.toString()}`, back), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      })
      return this.#described(configuration, tokens)
    })
  }

  /**
   * Whether somebody is still signed in there, and as what.
   * @returns undefined where the provider says that they are not
   * @throws SignInProblem of kind `unavailable` where it says nothing
   */
  async refresh(token: Secret, subject: string): Promise<SignedInPerson | undefined> {
    try {
      return await worded(async () => {
        const configuration = await this.#configuration()
        const tokens = await refreshTokenGrant(configuration, token.reveal())
        const person = await this.#described(configuration, tokens, subject)
        return person.subject === subject ? { refresh: token, ...person } : undefined
      })
    } catch (thrown) {
      if (thrown instanceof SignInProblem && thrown.kind === 'refused') return undefined
      throw thrown
    }
  }

  #signedIn(claims: Claims): SignedIn {
    const { acrClaim, acrValues } = this.#parts.settings
    const signedIn = signedInBy(claims, acrClaim)
    return { ...signedIn, acr: signedIn.acr.filter((one) => acrValues?.includes(one) ?? true) }
  }

  /** Looked up anew once an hour, and after every failure. */
  #configuration(): Promise<Configuration> {
    const { settings, clock, clientSecret } = this.#parts
    const now = clock.elapsed()
    if (this.#known !== undefined && now - this.#known.atMs < freshMs) return this.#known.configuration
    const configuration = clientSecret().then((secret) => discover(settings, secret))
    this.#known = { configuration, atMs: now }
    configuration.catch(() => {
      if (this.#known?.configuration === configuration) this.#known = undefined
    })
    return configuration
  }

  async #described(
    configuration: Configuration,
    tokens: TokenEndpointResponse & TokenEndpointResponseHelpers,
    known?: string,
  ): Promise<SignedInPerson> {
    const { settings, clock } = this.#parts
    const { groupsClaim, nameClaim, subjectClaim, onlyGroups } = settings
    const id = tokens.claims() as Claims | undefined
    const subject = id === undefined ? known : id[subjectClaim]
    if (typeof subject !== 'string' || subject === '')
      throw new SignInProblem('refused', `the provider does not say by \`${subjectClaim}\` who signed in`)
    let claims: Claims = id ?? {}
    const isWhole = [groupsClaim, nameClaim].every((path) => claimAt(claims, path) !== undefined)
    // Without an ID token nobody says whose `sub` it should be, and the access token is that of the same person.
    const claimed = subjectClaim === 'sub' ? subject : id?.['sub']
    const sub = typeof claimed === 'string' ? claimed : skipSubjectCheck
    if (!isWhole && configuration.serverMetadata().userinfo_endpoint !== undefined)
      claims = { ...(await fetchUserInfo(configuration, tokens.access_token, sub)), ...claims }
    if (isDistributed(claims, groupsClaim))
      throw new SignInProblem('refused', 'the groups did not fit into the provider’s answer')
    const groups = textsIn(claimAt(claims, groupsClaim)).filter((name) => onlyGroups?.includes(name) ?? true)
    if (groups.length > maxGroups)
      throw new SignInProblem('refused', `there are more than ${maxGroups} groups`)
    const called = claimAt(claims, nameClaim)
    const issuedAt = id?.['iat']
    return {
      issuer: settings.issuer,
      subject,
      called: typeof called === 'string' ? called : subject,
      groups: groupNames(groups),
      claimedAtMs: typeof issuedAt === 'number' ? issuedAt * 1000 : clock.now(),
      sid: sessionIn(id ?? {}),
      signedIn: this.#signedIn(id ?? {}),
      ...(tokens.refresh_token !== undefined && { refresh: new Secret(tokens.refresh_token) }),
    }
  }
}

async function discover(settings: ProviderSettings, secret: Secret): Promise<Configuration> {
  const { issuer, clientId, clientAuthentication, certificateAuthority } = settings
  const authentication = clientAuthentication === 'client_secret_basic' ? ClientSecretBasic : ClientSecretPost
  const configuration = await discovery(
    new URL(issuer),
    clientId,
    { [clockTolerance]: 60 },
    authentication(secret.reveal()),
    {
      // The ID token is verified by the provider's keys even though it comes from the provider itself.
      execute: [enableNonRepudiationChecks],
      [customFetch]: (url, { method, headers, body, signal }) =>
        ask(new URL(url), {
          method,
          headers: headers as Readonly<Record<string, string>>,
          ...(body === undefined || body === null ? {} : { body: String(body as string | URLSearchParams) }),
          certificateAuthority,
          signal,
        }),
    },
  )
  if (configuration.serverMetadata().issuer !== issuer)
    throw new SignInProblem('unavailable', 'the provider calls itself something else than `oidc.issuer`')
  return configuration
}

/** What the library throws, in words that quote neither codes nor tokens. */
async function worded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw problemOf(thrown)
  }
}

function problemOf(thrown: unknown): SignInProblem {
  for (let at = thrown; at instanceof Error; at = at.cause) {
    if (at instanceof SignInProblem) return at
    if (at instanceof Unreachable) return new SignInProblem('unavailable', at.message)
  }
  if (thrown instanceof AuthorizationResponseError)
    return new SignInProblem('refused', `the provider answered ${shown(thrown.error)}`)
  if (thrown instanceof ResponseBodyError) {
    // What is wrong with our own client says nothing about the person.
    const isOurs = thrown.status >= 500 || ['invalid_client', 'unauthorized_client'].includes(thrown.error)
    return new SignInProblem(
      isOurs ? 'unavailable' : 'refused',
      `the provider answered ${shown(thrown.error)}`,
    )
  }
  if (thrown instanceof ClientError) {
    const isOurs = unavailable.has(thrown.code ?? '')
    return new SignInProblem(
      isOurs ? 'unavailable' : 'refused',
      `${thrown.message} (${thrown.code ?? 'unknown'})`,
    )
  }
  return new SignInProblem('unavailable', 'the provider, or its client secret, cannot be used')
}

/** An answer that is none: a gateway or a maintenance page in between, or nothing in time. */
const unavailable = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
])
const freshMs = 3_600_000

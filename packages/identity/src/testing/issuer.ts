import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import type { Clock, Issuer } from '@sallyport/core'

export interface Signing {
  readonly alg?: string
  readonly kid?: string
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: CryptoKey | Uint8Array
}

/** An issuer that signs what it is told to, and publishes its keys. */
export class TestIssuer {
  readonly #clock: Clock
  readonly #keys = new Map<string, { readonly privateKey: CryptoKey; readonly published: JWK }>()
  /** How often its metadata or keys were asked for. */
  asked = 0
  isDown = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  static async start(clock: Clock): Promise<TestIssuer> {
    const issuer = new TestIssuer(clock)
    await issuer.addKey('k1')
    return issuer
  }

  async addKey(kid: string, alg = 'ES256'): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair(alg)
    this.#keys.set(kid, { privateKey, published: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } })
  }

  removeKey(kid: string): void {
    this.#keys.delete(kid)
  }

  /** The public half, as it is published. */
  published(kid = 'k1'): JWK {
    const key = this.#keys.get(kid)
    if (key === undefined) throw new Error(`no key ${kid}`)
    return key.published
  }

  readonly publishedAt = (url: URL): Promise<unknown> => {
    this.asked++
    if (this.isDown) return Promise.reject(new Error('it is down'))
    if (url.pathname.endsWith('/.well-known/openid-configuration'))
      return Promise.resolve({ issuer: issuerUrl, jwks_uri: `${issuerUrl}/jwks` })
    return Promise.resolve({ keys: [...this.#keys.values()].map(({ published }) => published) })
  }

  /** The claims of a job of `acme/shop`, unless told otherwise; undefined takes one away. */
  async token(claims: Readonly<Record<string, unknown>> = {}, signing: Signing = {}): Promise<string> {
    const { alg = 'ES256', kid = 'k1', header = {} } = signing
    const key = signing.key ?? this.#keys.get(kid)?.privateKey
    if (key === undefined) throw new Error(`no key ${kid}`)
    const now = Math.floor(this.#clock.now() / 1000)
    const all = { ...jobClaims, iat: now, exp: now + 300, ...claims }
    const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
    return new SignJWT(payload as JWTPayload)
      .setProtectedHeader({ alg, kid, typ: 'JWT', ...header } as never)
      .sign(key)
  }
}

const issuerUrl = 'https://ci.example/tenant'
export const audience = 'https://gateway.example:8443'
export const jobClaims = {
  iss: issuerUrl,
  aud: audience,
  sub: 'repo:acme/shop:ref:refs/heads/main',
  repository: 'acme/shop',
  ref: 'refs/heads/main',
}

export const ci: Issuer = {
  name: 'ci',
  issuer: issuerUrl,
  audiences: [audience],
  authorizedParties: [],
  tokens: 'workload',
  algorithms: ['RS256', 'ES256'],
  actors: 'refused',
  groupsClaim: 'groups',
  nameClaim: 'preferred_username',
  maxLifetimeSeconds: 3600,
  keys: { from: 'discovery' },
  rules: [
    {
      name: 'main',
      match: { repository: 'acme/shop', ref: 'refs/heads/main' },
      is: { workload: 'ci-shop' },
      groups: ['deployers'],
    },
    { name: 'people', match: { kind: 'person' }, is: 'person', groups: ['staff'] },
  ],
}

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { DocumentInput } from '@sallyport/api'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { createTestAuthority } from './certificates.ts'

type IssuerInput = DocumentInput & { kind: 'Issuer' }

/** An issuer of tokens over TLS: what a CI platform or a cluster is to a gateway. */
export class TokenIssuer implements AsyncDisposable {
  readonly url: string
  readonly authority: string
  readonly #keys = new Map<string, { readonly privateKey: CryptoKey; readonly published: JWK }>()
  readonly #end: () => Promise<void>
  /** Paths that were asked for. */
  readonly asked: string[] = []
  isDown = false

  constructor(url: string, authority: string, end: () => Promise<void>) {
    this.url = url
    this.authority = authority
    this.#end = end
  }

  async addKey(kid: string): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    this.#keys.set(kid, { privateKey, published: { ...(await exportJWK(publicKey)), kid, use: 'sig' } })
  }

  /** As it is declared: jobs of `acme/shop` on `main` are the workload `ci-shop`, people are who their tokens say. */
  document(more: Partial<IssuerInput> = {}): IssuerInput {
    return {
      kind: 'Issuer',
      name: 'ci',
      issuer: this.url,
      audiences: ['gateway'],
      tokens: 'workload',
      certificateAuthority: this.authority,
      rules: [
        {
          name: 'main',
          match: { repository: 'acme/shop', ref: 'refs/heads/main' },
          is: { workload: 'ci-shop' },
          groups: ['deployers'],
        },
        { name: 'people', match: { kind: 'person' }, is: 'person' },
      ],
      ...more,
    }
  }

  /** For five minutes, with the claims of a job on `main` unless told otherwise. */
  async token(
    claims: Readonly<Record<string, unknown>> = {},
    { kid = 'k1', typ = 'JWT' }: { kid?: string; typ?: string } = {},
  ): Promise<string> {
    const key = this.#keys.get(kid)
    if (key === undefined) throw new Error(`no key ${kid}`)
    const now = Math.floor(Date.now() / 1000)
    const payload = {
      iss: this.url,
      aud: 'gateway',
      sub: 'repo:acme/shop',
      repository: 'acme/shop',
      ref: 'refs/heads/main',
      iat: now,
      exp: now + 300,
      ...claims,
    }
    return new SignJWT(payload as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid, typ })
      .sign(key.privateKey)
  }

  /** Nobody's, unless told whose: the claims of a person. */
  person(
    name: string,
    groups: readonly string[],
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    return this.token({
      ref: 'none',
      kind: 'person',
      sub: `id-of-${name}`,
      preferred_username: name,
      groups,
      ...more,
    })
  }

  answer(path: string): object | undefined {
    this.asked.push(path)
    if (this.isDown) return undefined
    if (path === '/.well-known/openid-configuration')
      return { issuer: this.url, jwks_uri: `${this.url}/jwks` }
    return path === '/jwks' ? { keys: [...this.#keys.values()].map(({ published }) => published) } : undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }
}

export async function startTokenIssuer(): Promise<TokenIssuer> {
  const authority = await createTestAuthority('Test issuer authority')
  const { key, certificate } = await authority.issue(['localhost'])
  let issuer: TokenIssuer | undefined
  const server = createServer({ key, cert: certificate }, (request, response) => {
    const found = issuer?.answer(request.url ?? '')
    response.writeHead(found === undefined ? 503 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  issuer = new TokenIssuer(
    `https://localhost:${port}`,
    authority.certificate,
    () => new Promise<void>((resolve) => server.close(() => resolve())),
  )
  await issuer.addKey('k1')
  return issuer
}

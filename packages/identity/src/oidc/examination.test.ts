import { beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '@sallyport/core'
import { FakeClock } from '@sallyport/core/testing'
import { ProviderExamination } from './examination.ts'
import type { Finding } from '../finding.ts'
import { Unreachable, type ask } from './fetch.ts'
import type { ProviderSettings } from './provider.ts'

const issuer = 'https://idp.example'
const redirectUri = 'https://gateway.example:8443/sign-in/callback'
const secret = 'the secret of the client'

describe('the examination of a provider', () => {
  let clock: FakeClock
  let settings: ProviderSettings
  let clientSecret: () => Promise<Secret>
  let metadata: Record<string, unknown>
  let answers: Record<string, () => Response>
  let asked: { readonly url: URL; readonly asked: Parameters<typeof ask>[1] }[]

  beforeEach(() => {
    clock = new FakeClock()
    settings = {
      issuer,
      clientId: 'sally port',
      clientAuthentication: 'client_secret_basic',
      scopes: ['openid', 'profile', 'offline_access'],
      groupsClaim: 'groups',
      nameClaim: 'preferred_username',
      subjectClaim: 'sub',
      acrClaim: 'acr',
      parameters: {},
    } as ProviderSettings
    clientSecret = () => Promise.resolve(new Secret(secret))
    metadata = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      response_types_supported: ['code', 'id_token'],
      code_challenge_methods_supported: ['plain', 'S256'],
      scopes_supported: ['openid', 'profile', 'offline_access'],
      claims_supported: ['sub', 'groups', 'preferred_username'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
    }
    asked = []
    const date = { date: new Date(clock.now()).toUTCString() }
    answers = {
      '/.well-known/openid-configuration': () => Response.json(metadata, { headers: date }),
      '/keys': () => Response.json({ keys: [{ kty: 'EC', use: 'sig' }] }),
      '/token': () => Response.json({ error: 'invalid_grant' }, { status: 400 }),
      '/authorize': () => ledTo(`${redirectUri}?error=login_required&state=x`),
    }
  })

  const fetch: typeof ask = (url, how) => {
    asked.push({ url: new URL(url), asked: how })
    const answer = answers[url.pathname]
    if (answer === undefined) throw new Error(`nothing at ${url.href}`)
    return Promise.resolve().then(answer)
  }
  const found = async (): Promise<Record<string, Finding>> => {
    const examination = new ProviderExamination({ settings, clientSecret, clock, redirectUri, fetch })
    const findings: Record<string, Finding> = {}
    for (const { name, look } of examination.looks)
      findings[name.replace(/identity provider(: )?/, '') || 'metadata'] = await look()
    return findings
  }

  test('says of one that is set up well that it is', async () => {
    const findings = await found()
    expect(Object.keys(findings)).toEqual(['metadata', 'keys', 'clock', 'client', 'redirect', 'scopes'])
    expect(Object.values(findings).filter(({ state }) => state !== 'good')).toEqual([])
    const token = asked.find(({ url }) => url.pathname === '/token')
    expect(token?.asked?.headers?.['authorization']).toBe(
      `Basic ${Buffer.from('sally+port:the+secret+of+the+client').toString('base64')}`,
    )
  })

  const wrongs: readonly [string, keyof Findings, () => void, RegExp, RegExp][] = [
    [
      'a host that is not there',
      'metadata',
      () => (answers['/.well-known/openid-configuration'] = unreachable('ENOTFOUND')),
      /cannot be reached/,
      /DNS/,
    ],
    [
      'a certificate of an unknown authority',
      'metadata',
      () => (answers['/.well-known/openid-configuration'] = unreachable('UNABLE_TO_VERIFY_LEAF_SIGNATURE')),
      /UNABLE_TO_VERIFY/,
      /oidc\.certificateAuthority/,
    ],
    [
      'a certificate of another host',
      'metadata',
      () => (answers['/.well-known/openid-configuration'] = unreachable('ERR_TLS_CERT_ALTNAME_INVALID')),
      /ALTNAME/,
      /host name/,
    ],
    [
      'an issuer without metadata',
      'metadata',
      () => (answers['/.well-known/openid-configuration'] = () => new Response('no', { status: 404 })),
      /answers 404/,
      /oidc\.issuer/,
    ],
    [
      'a page in place of metadata',
      'metadata',
      () => (answers['/.well-known/openid-configuration'] = () => new Response('<html>')),
      /is no metadata/,
      /oidc\.issuer/,
    ],
    [
      'another issuer',
      'metadata',
      () => (metadata['issuer'] = 'https://idp.example/v2'),
      /calls itself "https:\/\/idp.example\/v2"/,
      /exactly/,
    ],
    [
      'no endpoint of https',
      'metadata',
      () => (metadata['token_endpoint'] = 'http://idp.example/token'),
      /no token_endpoint of https/,
      /TLS/,
    ],
    [
      'no code flow',
      'metadata',
      () => (metadata['response_types_supported'] = ['id_token']),
      /code flow/,
      /allow/,
    ],
    [
      'no PKCE',
      'metadata',
      () => (metadata['code_challenge_methods_supported'] = ['plain']),
      /PKCE/,
      /turn it on/,
    ],
    [
      'another way to show the secret',
      'metadata',
      () => (metadata['token_endpoint_auth_methods_supported'] = ['client_secret_post']),
      /client_secret_basic/,
      /client_secret_post/,
    ],
    ['no keys', 'keys', () => (answers['/keys'] = () => Response.json({ keys: [] })), /no key/, /RS256/],
    [
      'a clock that is off',
      'clock',
      () => clock.advance(120_000),
      /this machine is 120 s ahead of it/,
      /NTP/,
    ],
    [
      'a secret that is wrong',
      'client',
      () => (answers['/token'] = () => Response.json({ error: 'invalid_client' }, { status: 401 })),
      /does not know sally port/,
      /oidc\.clientSecret/,
    ],
    [
      'a secret that is not there',
      'client',
      () => (clientSecret = () => Promise.reject(new Error('no such variable'))),
      /cannot be read/,
      /oidc\.clientSecret/,
    ],
    [
      'a client of another kind',
      'client',
      () => (answers['/token'] = () => Response.json({ error: 'unauthorized_client' }, { status: 400 })),
      /may not use/,
      /web application/,
    ],
    [
      'an answer that says nothing',
      'client',
      () => (answers['/token'] = () => new Response('x', { status: 500 })),
      /answers 500/,
      /sign in once/,
    ],
    [
      'a redirect address that is not registered',
      'redirect',
      () => (answers['/authorize'] = () => new Response('no', { status: 400 })),
      /does not lead back/,
      /register https:\/\/gateway.example:8443\/sign-in\/callback/,
    ],
    [
      'a page of its own in place of a redirect',
      'redirect',
      () => (answers['/authorize'] = () => ledTo(`${issuer}/login`)),
      /does not say/,
      /register/,
    ],
    [
      'a redirect to somewhere that begins like ours',
      'redirect',
      () => (answers['/authorize'] = () => ledTo(`${redirectUri}.evil.example`)),
      /does not say/,
      /register/,
    ],
    [
      'a scope that it does not give',
      'redirect',
      () => (answers['/authorize'] = () => ledTo(`${redirectUri}?error=invalid_scope`)),
      /scopes openid profile offline_access/,
      /oidc\.scopes/,
    ],
    [
      'a scope that it does not know',
      'scopes',
      () => (metadata['scopes_supported'] = ['openid', 'profile']),
      /offline_access/,
      /oidc\.scopes/,
    ],
    [
      'no groups',
      'scopes',
      () => (metadata['claims_supported'] = ['sub', 'preferred_username']),
      /groups/,
      /oidc\.groupsClaim/,
    ],
    [
      'no refresh token',
      'scopes',
      () => (metadata['grant_types_supported'] = ['authorization_code']),
      /no refresh token/,
      /offline_access/,
    ],
  ]
  test.each(wrongs)('finds %s, and says how to mend it', async (_what, where, make, detail, next) => {
    make()
    const findings = await found()
    const finding = findings[where]
    expect(finding?.state).not.toBe('good')
    expect(finding?.detail).toMatch(detail)
    expect(finding?.next).toMatch(next)
    expect(JSON.stringify(findings)).not.toContain(secret)
  })
})

interface Findings {
  readonly metadata: Finding
  readonly keys: Finding
  readonly clock: Finding
  readonly client: Finding
  readonly redirect: Finding
  readonly scopes: Finding
}

function ledTo(location: string): Response {
  return new Response(null, { status: 303, headers: { location } })
}

function unreachable(code: string): () => Response {
  return () => {
    throw new Unreachable(`idp.example cannot be reached (${code})`)
  }
}

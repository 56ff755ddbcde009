import { createServer, request } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { interactionPolicy, Provider, type Configuration } from 'oidc-provider'
import { createTestAuthority } from './certificates.ts'
import { freePort } from './ports.ts'

/** Somebody whom the provider knows. */
export interface ProvidedPerson {
  readonly name: string
  groups: string[]
}

/** An OpenID provider, a certified one, over TLS: what a company has. Its own pages take any password. */
export class IdentityProvider implements AsyncDisposable {
  readonly url: string
  readonly authority: string
  /** By the name that they sign in with. Who is taken away is not known any more, and cannot refresh. */
  readonly people = new Map<string, ProvidedPerson>()
  readonly clientId = 'sallyport'
  readonly clientSecret = 'a secret of the gateway and its provider'
  readonly #end: () => Promise<void>
  isDown = false
  /** Nobody has anything but a password. */
  isWeak = false
  /** PEM of who signs the gateway's certificate, which the provider talks to by itself. */
  gatewayAuthority = ''
  /** What it said by itself to the gateway, and what that answered. */
  readonly said: { readonly logoutToken: string; readonly status: number }[] = []

  constructor(url: string, authority: string, end: () => Promise<void>) {
    this.url = url
    this.authority = authority
    this.#end = end
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end()
  }
}

/** @param gateway its address, for the redirect */
export async function startIdentityProvider(gateway: string): Promise<IdentityProvider> {
  const authority = await createTestAuthority('Test provider authority')
  const { key, certificate } = await authority.issue(['localhost'])
  const port = await freePort()
  let own: Provider | undefined
  let handle: ReturnType<Provider['callback']> | undefined
  const server = createServer({ key, cert: certificate }, (request, response) => {
    if (provider.isDown || handle === undefined || own === undefined) response.writeHead(503).end()
    else void answer(provider, own, handle, request, response)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const provider = new IdentityProvider(
    `https://localhost:${port}`,
    authority.certificate,
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  withoutAdvice()
  own = new Provider(provider.url, configurationOf(provider, gateway))
  handle = own.callback()
  return provider
}

function configurationOf(provider: IdentityProvider, gateway: string): Configuration {
  return {
    clients: [
      {
        client_id: provider.clientId,
        client_secret: provider.clientSecret,
        redirect_uris: [`${gateway}/sign-in/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        backchannel_logout_uri: `${gateway}/sign-in/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    cookies: { keys: ['of a test'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    conformIdTokenClaims: false,
    acrValues: ['pwd', 'phr'],
    interactions: { policy: askingForClasses() },
    features: { backchannelLogout: { enabled: true } },
    fetch: (url, options) => say(provider, new URL(url), options),
    pkce: { required: () => true },
    issueRefreshToken: () => Promise.resolve(true),
    rotateRefreshToken: true,
    findAccount: (_context, id) => {
      const person = provider.people.get(id)
      if (person === undefined) return undefined
      const claims = { sub: id, preferred_username: person.name, groups: person.groups }
      return { accountId: id, claims: () => Promise.resolve(claims) }
    },
  }
}

/** What the provider says of itself is meant for whoever runs one in earnest. */
function withoutAdvice(): void {
  for (const level of ['info', 'warn'] as const) {
    const say = console[level]
    if (hushed.has(say)) return
    console[level] = (...words: unknown[]) => {
      if (!/oidc-provider (?:NOTICE|WARNING):/.test(String(words[0]))) say(...words)
    }
    hushed.add(console[level])
  }
}
const hushed = new WeakSet<typeof console.info>()

/** As the provider's own `fetch` would, but with the gateway's authority. */
async function say(
  provider: IdentityProvider,
  url: URL,
  options: RequestInit | undefined,
): Promise<Response> {
  const body = options?.body instanceof URLSearchParams ? options.body : new URLSearchParams()
  const status = await new Promise<number>((resolve, reject) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    request(url, { method: 'POST', agent: false, ca: provider.gatewayAuthority, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', reject)
      .end(body.toString())
  })
  provider.said.push({ logoutToken: body.get('logout_token') ?? '', status })
  return new Response(null, { status })
}

/** Whoever asks for a class of sign-in that the session is not of is sent to sign in once more. */
function askingForClasses(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base()
  const { Check } = interactionPolicy
  policy.get('login')?.checks.add(
    new Check('acr', 'another class of sign-in is asked for', ({ oidc }) => {
      const asked = classesIn(oidc.params?.['acr_values'])
      const isOfThem =
        asked.length === 0 || asked.includes(oidc.acr ?? '') || oidc.result?.login !== undefined
      return isOfThem ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT
    }),
  )
  return policy
}

/** As the provider's own pages do, but that it says how somebody has signed in: by a key where that is asked for. */
async function answer(
  { isWeak }: IdentityProvider,
  own: Provider,
  handle: ReturnType<Provider['callback']>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isForm = request.method === 'POST' && request.url?.startsWith('/interaction/') === true
  const details = isForm ? await own.interactionDetails(request, response).catch(() => undefined) : undefined
  if (details?.prompt.name !== 'login') return handle(request, response)
  let body = ''
  for await (const part of request) body += String(part)
  const accountId = new URLSearchParams(body).get('login') ?? ''
  const isStrong = classesIn(details.params['acr_values']).includes('phr') && !isWeak
  const acr = isStrong ? 'phr' : 'pwd'
  const amr = isStrong ? ['pwd', 'hwk'] : ['pwd']
  await own.interactionFinished(request, response, { login: { accountId, acr, amr } })
}

function classesIn(asked: unknown): readonly string[] {
  return typeof asked === 'string' ? asked.split(' ') : []
}

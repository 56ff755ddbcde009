import { isRefusal, type Refusal } from '@sallyport/core'
import type { Authenticated, BackChannel, CompletedSignIn, ProviderSignIn } from '@sallyport/identity'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { cookieOf, cookies, setCookie } from './cookies.ts'
import { destinationOf } from './destination.ts'

/** Where people sign in, as the pages see it. */
export interface ProviderPages {
  readonly kind: 'oidc' | 'saml'
  /** What people know it by. */
  readonly name: string
  readonly signIn: Pick<ProviderSignIn, 'begin' | 'complete'>
  readonly backChannel?: Pick<BackChannel, 'logOut'>
  readonly metadata?: (back: string) => string
}

/** Where the way to a provider begins. */
export const startOf: Readonly<Record<ProviderPages['kind'], string>> = {
  oidc: '/sign-in/start',
  saml: '/sign-in/saml/start',
}

export interface ProviderRouteParts {
  readonly baseUrl: () => string
  /** Whose browser it is, where it has a session. */
  readonly sessionOf: (request: FastifyRequest) => Promise<Authenticated | undefined>
  readonly named: (routeName: string) => { readonly config: object }
  readonly onSignedIn: (
    request: FastifyRequest,
    reply: FastifyReply,
    who: CompletedSignIn,
  ) => Promise<FastifyReply>
  readonly onRefused: (request: FastifyRequest, refusal: Refusal) => void
  /** The page that offers to sign in, with why it came to nothing. */
  readonly showAgain: (reply: FastifyReply, status: number, to: string, refusal: Refusal) => FastifyReply
}

/** The way to an OpenID provider and back. */
export function registerOidc(
  scope: FastifyInstance,
  { signIn }: ProviderPages,
  { baseUrl, named, onSignedIn, onRefused, showAgain }: ProviderRouteParts,
): void {
  scope.get(startOf.oidc, named('sign-in.start'), async (request, reply) => {
    const to = destinationOf(queryOf(request).get('to') ?? undefined)
    const begun = await signIn.begin(`${baseUrl()}/sign-in/callback`, to, request.ip)
    if (isRefusal(begun)) return showAgain(reply, 503, to, begun)
    setCookie(reply, cookies.flow, begun.sealed, flowSeconds)
    return reply.redirect(begun.url.href, 303)
  })
  scope.get('/sign-in/callback', named('sign-in.callback'), async (request, reply) => {
    const sealed = cookieOf(request, cookies.flow)
    setCookie(reply, cookies.flow, '', 0)
    const done = await signIn.complete(queryOf(request), sealed, request.ip)
    if (!isRefusal(done)) return onSignedIn(request, reply, done)
    onRefused(request, done)
    return showAgain(reply, 403, '/sign-in', done)
  })
}

export function queryOf(request: FastifyRequest): URLSearchParams {
  return new URL(request.url, 'https://gateway.invalid').searchParams
}

export const flowSeconds = 600

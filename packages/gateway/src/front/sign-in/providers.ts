import { isRefusal, type Refusal, type SignInTerms } from '@sallyport/core'
import type {
  Authenticated,
  BackChannel,
  CompletedSignIn,
  ProposedStepUp,
  ProviderSignIn,
  StepUps,
} from '@sallyport/identity'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from '../problem.ts'
import { cookieOf, cookies, setCookie } from './cookies.ts'
import { destinationOf } from './destination.ts'

/** Where people sign in, as the pages see it. */
export interface ProviderPages {
  readonly kind: 'oidc' | 'saml'
  /** What people know it by. */
  readonly name: string
  readonly signIn: Pick<ProviderSignIn, 'begin' | 'complete'>
  readonly stepUps?: Pick<StepUps, 'confirm'>
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
  /** They have signed in anew, for something that they see before they say so. */
  readonly onSteppedUp: (reply: FastifyReply, proposed: ProposedStepUp) => FastifyReply
  readonly onRefused: (request: FastifyRequest, refusal: Refusal) => void
  /** The page that offers to sign in, with why it came to nothing. */
  readonly showAgain: (reply: FastifyReply, status: number, to: string, refusal: Refusal) => FastifyReply
}

/** The way to an OpenID provider and back. */
export function registerOidc(
  scope: FastifyInstance,
  { signIn }: ProviderPages,
  { baseUrl, named, onSignedIn, onSteppedUp, onRefused, showAgain }: ProviderRouteParts,
): void {
  scope.get(startOf.oidc, named('sign-in.start'), async (request, reply) => {
    const query = queryOf(request)
    const terms = termsIn(query)
    return begin(request, reply, query.get('to') ?? undefined, terms && { terms })
  })
  scope.get('/sign-in/step-up/:id', named('sign-in.step-up'), async (request, reply) => {
    const terms = termsIn(queryOf(request))
    const { id } = request.params as { readonly id: string }
    if (terms === undefined) throw new ProblemError('invalid-request', 'the link does not say what for')
    return begin(request, reply, undefined, { terms, renews: id })
  })
  scope.get('/sign-in/callback', named('sign-in.callback'), async (request, reply) => {
    const sealed = cookieOf(request, cookies.flow)
    setCookie(reply, cookies.flow, '', 0)
    const done = await signIn.complete(queryOf(request), sealed, request.ip)
    if (isRefusal(done)) {
      onRefused(request, done)
      return showAgain(reply, 403, '/sign-in', done)
    }
    if (done.kind === 'signed-in') return onSignedIn(request, reply, done)
    setCookie(reply, cookies.stepUp, done.sealed, flowSeconds)
    return onSteppedUp(reply, done)
  })

  async function begin(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: string | undefined,
    wanted?: Parameters<ProviderSignIn['begin']>[4],
  ): Promise<FastifyReply> {
    const to = destinationOf(asked)
    const begun = await signIn.begin(`${baseUrl()}/sign-in/callback`, to, request.ip, undefined, wanted)
    if (isRefusal(begun)) return showAgain(reply, 503, to, begun)
    setCookie(reply, cookies.flow, begun.sealed, flowSeconds)
    return reply.redirect(begun.url.href, 303)
  }
}

/** What a link asks of a sign-in; undefined where it asks for nothing. @throws ProblemError where it is none of ours */
export function termsIn(query: URLSearchParams): SignInTerms | undefined {
  const acr = query.get('acr')
  const age = query.get('max_age')
  if (acr === null && age === null) return undefined
  const classes = (acr ?? '').split(' ')
  const isGood =
    (acr === null ||
      (classes.length <= maxClasses && classes.every((one) => /^[\x21-\x7e]{1,255}$/.test(one)))) &&
    (age === null || (/^[1-9][0-9]{0,5}$/.test(age) && Number(age) <= maxAgeSeconds))
  if (!isGood) throw new ProblemError('invalid-request', 'what the link asks for cannot be read')
  return {
    ...(acr !== null && { acr: classes }),
    ...(age !== null && { maxAgeMs: Number(age) * 1000 }),
  }
}

export function queryOf(request: FastifyRequest): URLSearchParams {
  return new URL(request.url, 'https://gateway.invalid').searchParams
}

export const flowSeconds = 600
const maxClasses = 10
const maxAgeSeconds = 168 * 3600

import { isRefusal } from '@sallyport/core'
import type { FastifyInstance } from 'fastify'
import { cookieOf, cookies, setCookie } from './cookies.ts'
import { destinationOf } from './destination.ts'
import { flowSeconds, queryOf, startOf, type ProviderPages, type ProviderRouteParts } from './providers.ts'

/**
 * The way to a SAML provider and back, and our metadata. What comes back is a form that the provider's page has sent, so that only what
 * this browser keeps of its way says that it is an answer.
 */
export function registerSaml(
  scope: FastifyInstance,
  { signIn, metadata }: ProviderPages,
  { baseUrl, named, sessionOf, onSignedIn, onSteppedUp, onRefused, showAgain }: ProviderRouteParts,
): void {
  const acs = (): string => `${baseUrl()}/sign-in/saml/acs`
  scope.get('/sign-in/saml/metadata', named('sign-in.saml.metadata'), (_request, reply) =>
    reply.type('application/samlmetadata+xml').send(metadata?.(acs())),
  )
  scope.get(startOf.saml, named('sign-in.saml.start'), async (request, reply) => {
    const to = destinationOf(queryOf(request).get('to') ?? undefined)
    // Its cookie does not come with another site's form.
    const before = await sessionOf(request)
    const begun = await signIn.begin(acs(), to, request.ip, before?.token.id)
    if (isRefusal(begun)) return showAgain(reply, 503, to, begun)
    setCookie(reply, cookies.formFlow, begun.sealed, flowSeconds)
    return reply.redirect(begun.url.href, 303)
  })
  const taking = { ...named('sign-in.saml.acs'), bodyLimit: maxAnswerBytes }
  scope.post('/sign-in/saml/acs', taking, async (request, reply) => {
    const sealed = cookieOf(request, cookies.formFlow)
    setCookie(reply, cookies.formFlow, '', 0)
    const answer = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    const done = await signIn.complete(answer, sealed, request.ip)
    if (isRefusal(done)) {
      onRefused(request, done)
      return showAgain(reply, 403, '/sign-in', done)
    }
    return done.kind === 'signed-in' ? onSignedIn(request, reply, done) : onSteppedUp(reply, done)
  })
}

/** What is in it is XML of half as much. */
const maxAnswerBytes = 262_144

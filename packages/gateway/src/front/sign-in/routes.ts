import { isRefusal, isSignedInAs, refusal, Secret, type Clock, type Refusal } from '@sallyport/core'
import type {
  Authenticated,
  DeviceSignIns,
  LoopbackSignIns,
  CompletedSignIn,
  SignIn,
  Tokens,
} from '@sallyport/identity'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from '../problem.ts'
import { cookieOf, cookies, setCookie } from './cookies.ts'
import { destinationOf } from './destination.ts'
import { queryOf, registerOidc, startOf, termsIn, type ProviderPages } from './providers.ts'
import { registerSaml } from './saml.ts'
import { codePage, devicePage, donePage, programPage, signedInPage, signInPage, stepUpPage } from './pages.ts'

export interface SignInPages {
  readonly signIn: Pick<SignIn, 'withPassword'>
  readonly tokens: Pick<Tokens, 'browser' | 'revoke'>
  readonly devices: Pick<DeviceSignIns, 'look' | 'answer'>
  readonly loopback: Pick<LoopbackSignIns, 'give'>
  /** Where people sign in; none where they do here alone. */
  readonly providers: readonly ProviderPages[]
  readonly baseUrl: () => string
  readonly clock: Clock
  readonly onSignedIn: (name: string, address: string) => void
  readonly onRefused: (address: string, code: string) => void
}

/** What is signed in, and which session it had before, where it cannot show that. */
type SignedInBrowser = Omit<CompletedSignIn, 'kind' | 'replaces'> & { readonly replaces?: string | undefined }

/** Pages by which people sign in, and let in what cannot show a page. They work without a script. */
export function registerSignIn(app: FastifyInstance, pages: SignInPages, signInsPerMinute: number): void {
  const { devices } = pages
  /** The provider that can be asked for what a sign-in is to be. */
  const asking = pages.providers.find((provider) => provider.stepUps !== undefined)
  const providers = pages.providers.map(({ name, kind }) => ({ name, start: startOf[kind] }))
  const named = (routeName: string, isGuess = false) => ({
    config: {
      routeName,
      ...(isGuess && { rateLimit: { max: signInsPerMinute, timeWindow: '1 minute' } }),
    },
  })
  void app.register((scope, _options, done) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: maxFormBytes },
      (_request, body, parsed) => parsed(null, new URLSearchParams(String(body))),
    )
    scope.get('/sign-in', named('sign-in'), async (request, reply) => {
      const to = destinationOf(queryOf(request).get('to') ?? undefined)
      const who = await sessionOf(request)
      if (who === undefined) return show(reply, signInPage(to, providers))
      return to === '/sign-in' ? show(reply, signedInPage(nameOf(who))) : reply.redirect(to, 303)
    })
    scope.post('/sign-in', named('sign-in.password', true), async (request, reply) => {
      const form = formOf(request)
      const to = destinationOf(form.get('to') ?? undefined)
      const name = (form.get('name') ?? '').slice(0, 128)
      const password = new Secret((form.get('password') ?? '').slice(0, 256))
      const claim = { name, password, address: request.ip, label: 'browser', kind: 'spb' } as const
      const minted = await pages.signIn.withPassword(claim)
      if (!isRefusal(minted)) return signedIn(request, reply, { token: minted, user: name, to })
      pages.onRefused(request.ip, minted.code)
      const said = minted.code === 'invalid-credential' ? wrongPassword : minted
      return show(reply.status(401), signInPage(to, providers, said))
    })
    scope.post('/sign-out', named('sign-out'), async (request, reply) => {
      formOf(request)
      await endSession(request)
      setCookie(reply, cookies.session, '', 0)
      return show(
        reply,
        donePage('You are signed out', 'In this browser. Programs that you let in go on until their end.'),
      )
    })
    for (const provider of pages.providers)
      registerOf[provider.kind](scope, provider, {
        baseUrl: pages.baseUrl,
        sessionOf,
        named: (routeName) => named(routeName, true),
        onSignedIn: signedIn,
        onSteppedUp: (reply, proposed) => show(reply, stepUpPage(proposed)),
        onRefused: (request, { code }) => pages.onRefused(request.ip, code),
        showAgain: (reply, status, to, refusal) =>
          show(reply.status(status), signInPage(to, providers, refusal)),
      })
    const stepUps = asking?.stepUps
    if (stepUps !== undefined)
      scope.post('/sign-in/step-up', named('sign-in.step-up.answer', true), async (request, reply) => {
        const form = formOf(request)
        const sealed = cookieOf(request, cookies.stepUp)
        setCookie(reply, cookies.stepUp, '', 0)
        const done = await stepUps.confirm(sealed, form.get('of') ?? undefined, request.ip)
        if (!isRefusal(done)) return show(reply, donePage('You are signed in anew', runItAgain))
        pages.onRefused(request.ip, done.code)
        return show(reply.status(403), donePage('This came to nothing', `${done.reason}. ${done.next ?? ''}`))
      })
    scope.get('/device', named('device'), async (request, reply) => {
      const who = await sessionAsAsked(request)
      if (who === undefined) return toSignIn(request, reply)
      const code = queryOf(request).get('code')
      return code === null ? show(reply, codePage(nameOf(who))) : ask(request, reply, who, code)
    })
    scope.post('/device', named('device.answer'), async (request, reply) => {
      const form = formOf(request)
      const who = await sessionOf(request)
      if (who === undefined) return reply.redirect('/sign-in?to=%2Fdevice', 303)
      const code = form.get('code') ?? ''
      const answer = form.get('answer')
      if (answer !== 'allow' && answer !== 'deny') return ask(request, reply, who, code)
      const asking = devices.answer(code, request.ip, answer === 'allow' ? who : 'denied')
      if (isRefusal(asking)) return show(reply.status(403), codePage(nameOf(who), asking))
      return answer === 'allow'
        ? show(
            reply,
            donePage(
              'It is let in',
              `${asking.program} at ${asking.address} goes on by itself. You can close this page.`,
            ),
          )
        : show(reply, donePage('It was sent away', 'You can close this page.'))
    })
    scope.get('/sign-in/program', named('sign-in.program'), async (request, reply) => {
      const asked = programIn(queryOf(request))
      const who = await sessionAsAsked(request)
      if (who === undefined) return toSignIn(request, reply)
      return show(reply, programPage(nameOf(who), asked), `http://127.0.0.1:${asked.port}`)
    })
    scope.post('/sign-in/program', named('sign-in.program.answer'), async (request, reply) => {
      const { port, state, challenge } = programIn(formOf(request))
      const who = await sessionOf(request)
      if (who === undefined) return reply.redirect('/sign-in', 303)
      const code = pages.loopback.give(who, challenge)
      if (isRefusal(code)) return show(reply.status(503), donePage('Not just now', code.reason))
      const query = new URLSearchParams({ code: code.reveal(), state, iss: pages.baseUrl() })
      return reply.redirect(`http://127.0.0.1:${port}/?${query.toString()}`, 303)
    })
    done()
  })

  /** Whose browser this is: a person's own, never something that acts for one. */
  async function sessionOf(request: FastifyRequest): Promise<Authenticated | undefined> {
    const cookie = cookieOf(request, cookies.session)
    const who = cookie === undefined ? undefined : await pages.tokens.browser(new Secret(cookie))
    return who === undefined || isRefusal(who) ? undefined : who
  }

  /** Where the page's address asks for a class of sign-in, only one of that; where there is a provider to ask for one. */
  async function sessionAsAsked(request: FastifyRequest): Promise<Authenticated | undefined> {
    const who = await sessionOf(request)
    const acr = asking === undefined ? undefined : termsIn(queryOf(request))?.acr
    const isAsAsked = acr === undefined || isSignedInAs({ acr }, who?.subject.signedIn, pages.clock.now())
    return isAsAsked ? who : undefined
  }

  function toSignIn(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const query = new URLSearchParams({ to: request.url })
    const acr = queryOf(request).get('acr')
    if (acr === null || asking === undefined) return reply.redirect(`/sign-in?${query.toString()}`, 303)
    query.set('acr', acr)
    return reply.redirect(`${startOf[asking.kind]}?${query.toString()}`, 303)
  }

  async function endSession(request: FastifyRequest): Promise<void> {
    const who = await sessionOf(request)
    if (who !== undefined) await pages.tokens.revoke(who.subject, who.token.id)
  }

  /** A session that was there before goes: nobody can have put it there for a person to fill. */
  async function signedIn(
    request: FastifyRequest,
    reply: FastifyReply,
    { token, user, to, replaces }: SignedInBrowser,
  ): Promise<FastifyReply> {
    await endSession(request)
    if (replaces !== undefined) await pages.tokens.revoke('system', replaces)
    pages.onSignedIn(user, request.ip)
    setCookie(reply, cookies.session, token.token.reveal(), (token.expiresAtMs - pages.clock.now()) / 1000)
    return reply.redirect(to, 303)
  }

  function ask(request: FastifyRequest, reply: FastifyReply, who: Authenticated, code: string): FastifyReply {
    const asking = devices.look(code, request.ip)
    if (isRefusal(asking)) return show(reply.status(403), codePage(nameOf(who), asking))
    const seconds = Math.round((pages.clock.now() - asking.askedAtMs) / 1000)
    const age = seconds < 60 ? 'less than a minute ago' : `${Math.floor(seconds / 60)} min ago`
    return show(reply, devicePage(nameOf(who), asking.userCode, asking, age))
  }
}

function show(reply: FastifyReply, text: string, formsMayLeadTo = ''): FastifyReply {
  return reply
    .headers({
      'content-security-policy': `default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self' ${formsMayLeadTo}; frame-ancestors 'none'`,
      // With `no-referrer`, browsers do not say by `Origin` that a form is ours.
      'referrer-policy': 'same-origin',
    })
    .type('text/html; charset=utf-8')
    .send(text)
}

function nameOf({ subject }: Authenticated): string {
  return subject.principal.name
}

/** A form that one of our own pages has sent: another site's could act in the name of whoever follows its link. */
function formOf({ headers, body }: FastifyRequest): URLSearchParams {
  const site = headers['sec-fetch-site']
  const isOurs =
    site === undefined ? headers.origin === `https://${headers.host ?? ''}` : site === 'same-origin'
  if (!isOurs) throw new ProblemError('forbidden', 'this form was sent by another page than ours')
  return body instanceof URLSearchParams ? body : new URLSearchParams()
}

/** What `sallyport login` asks for, to be answered over loopback. RFC 8252 section 7.3 */
function programIn(fields: URLSearchParams): {
  readonly port: string
  readonly state: string
  readonly challenge: string
} {
  const [port = '', state = '', challenge = ''] = ['port', 'state', 'challenge'].map(
    (name) => fields.get(name) ?? '',
  )
  const isGood =
    /^\d{4,5}$/.test(port) &&
    Number(port) >= 1024 &&
    Number(port) <= 65_535 &&
    /^[A-Za-z0-9_-]{22,128}$/.test(state) &&
    /^[A-Za-z0-9_-]{43}$/.test(challenge)
  if (!isGood)
    throw new ProblemError('invalid-request', 'that is no sign-in that `sallyport login` has begun')
  return { port, state, challenge }
}

const registerOf = { oidc: registerOidc, saml: registerSaml }
const wrongPassword: Refusal = refusal('invalid-credential', 'The name or the password is wrong')
const runItAgain = 'Go back to where you were, and run it again. You can close this page.'
const maxFormBytes = 8192

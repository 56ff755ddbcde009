import { isRefusal, Secret } from '@sallyport/core'
import type { BackChannel } from '@sallyport/identity'
import type { FastifyInstance, FastifyReply } from 'fastify'

/**
 * Where the identity provider itself says that somebody has left. Whatever is wrong with what it sends has one answer, and so has
 * whatever is right. OpenID Connect Back-Channel Logout 1.0 sections 2.5 and 2.8
 */
export function registerBackChannel(app: FastifyInstance, backChannel: Pick<BackChannel, 'logOut'>): void {
  void app.register((scope, _options, done) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: maxFormBytes },
      (_request, body, parsed) => parsed(null, new URLSearchParams(String(body))),
    )
    const config = {
      routeName: 'sign-in.backchannel-logout',
      rateLimit: { max: logoutsPerMinute, timeWindow: '1 minute' },
    }
    scope.post('/sign-in/backchannel-logout', { config }, async ({ body, ip }, reply) => {
      const sent = body instanceof URLSearchParams ? body.getAll('logout_token') : []
      const [token] = sent
      if (token === undefined || sent.length > 1) return notTaken(reply)
      const ended = await backChannel.logOut(new Secret(token), ip)
      return isRefusal(ended) ? notTaken(reply) : reply.status(200).send()
    })
    done()
  })
}

function notTaken(reply: FastifyReply): FastifyReply {
  return reply
    .status(400)
    .send({ error: 'invalid_request', error_description: 'the logout token is not valid' })
}

/** From one address: a provider says so for everybody. */
const logoutsPerMinute = 600
/** A token, as long as any that is read, and its name. */
const maxFormBytes = 10_000

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Client } from '@sallyport/api'
import { setUp, startWorld, type World } from './world.ts'

/** A gateway with a provider that nobody asks. */
export const provider = `oidc:
  issuer: https://login.invalid
  clientId: sallyport
  clientSecret: env:OIDC_SECRET
`
interface Answered {
  readonly status: number
  readonly type: string | undefined
  readonly headers: IncomingMessage['headers']
  // oxlint-disable-next-line typescript/no-explicit-any -- what a client reads of an answer that it knows
  readonly body: any
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answered>

/** A connector, by its token. */
export function connector({ gateway }: World, token: string | undefined): Ask {
  return async (method, path, body, headers = {}) => {
    const sent =
      body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const asked = request(new URL(`/scim/v2${path}`, gateway.baseUrl), {
      method,
      agent: false,
      ca: gateway.authority?.certificate,
      headers: {
        accept: 'application/scim+json',
        'content-type': 'application/scim+json; charset=utf-8',
        ...(sent && { 'content-length': sent.length }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    })
    asked.end(sent)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const said = await text(answer)
    return {
      status: answer.statusCode ?? 0,
      type: answer.headers['content-type'],
      headers: answer.headers,
      body: said === '' ? undefined : JSON.parse(said),
    }
  }
}

/** With an administrator, and a connector that has a token. */
export async function startScim(
  more: string,
): Promise<{ world: World; admin: Client; ask: Ask; token: string }> {
  const world = await startWorld(`${provider}${more}`)
  const admin = await setUp(world)
  const { token } = await admin.scimTokens.create({ label: 'test' })
  return { world, admin, ask: connector(world, token), token }
}

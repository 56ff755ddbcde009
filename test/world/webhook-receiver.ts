import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DocumentInput } from '@sallyport/api'

interface Came {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly answered: number
}

/** Where a webhook's messages come to. */
export interface Receiver extends AsyncDisposable {
  readonly url: string
  /** All that came, in their order, those included that it did not take. */
  readonly came: readonly Came[]
  /** How many of those to come it does not take. */
  readonly state: { failing: number }
}

/** What a gateway needs to tell it of reviews. @param secret of the receiver and the gateway */
export function reviewHook({ url }: Receiver, secret: string): readonly DocumentInput[] {
  return [
    { kind: 'Credential', name: 'hook', password: secret },
    {
      kind: 'Webhook',
      name: 'ops',
      url,
      secret: { from: 'sealed', name: 'hook' },
      events: ['review-asked', 'review-answered', 'review-ended'],
      allow: { http: true, private: true },
    },
  ]
}

/** @param failing how many of the first it does not take */
export async function startReceiver(failing = 0): Promise<Receiver> {
  const came: Came[] = []
  const state = { failing }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => (body += part))
    request.on('end', () => {
      const answered = state.failing-- > 0 ? 503 : 200
      came.push({ headers: request.headers, body, answered })
      response.writeHead(answered).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    came,
    state,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

import { createServer } from 'node:http'
import type { ListenAddress } from '../config/schema.ts'
import { bind } from '../edge/listener.ts'

/** What is shown: the numbers of this process, or those of several put together. */
export interface ShownMetrics {
  readonly contentType: string
  metrics(): Promise<string>
}

export interface MetricsListener extends AsyncDisposable {
  readonly port: number
}

/**
 * Serves `GET /metrics` in plain HTTP, on the loopback unless configured otherwise: it asks for no token.
 * @throws CannotStart
 */
export async function serveMetrics(shown: ShownMetrics, address: ListenAddress): Promise<MetricsListener> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('metrics are at /metrics\n')
      return
    }
    shown.metrics().then(
      (text) => response.writeHead(200, { 'content-type': shown.contentType }).end(text),
      () => response.writeHead(500, { 'content-type': 'text/plain' }).end('the metrics cannot be read\n'),
    )
  })
  const port = await bind(server, 'metrics', address)
  return {
    port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

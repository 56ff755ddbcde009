import http2, { type Http2SecureServer, type SecureServerOptions } from 'node:http2'
import { connect as connectTls } from 'node:tls'

/** Sizes of HTTP/2 receive windows (RFC 9113 §5.2), for each stream and for the connection as a whole. */
export interface Windows {
  readonly streamBytes: number
  readonly connectionBytes: number
}

/**
 * The stream window for a connection that carries so many streams: all of them stalled hold at most `budgetBytes`, down to the
 * protocol's own window. In steps of two, so that it rarely changes.
 */
export function streamWindow(streams: number, full: number, budgetBytes: number): number {
  const share = budgetBytes / 2 ** Math.ceil(Math.log2(Math.max(1, streams)))
  return Math.max(65_535, Math.min(full, share))
}

/** Whether a connection's stream window should become another one: smaller at once, larger only when it will last. */
export function nextStreamWindow(now: number, streams: number, full: number, budgetBytes: number): number {
  const fitting = streamWindow(streams, full, budgetBytes)
  if (fitting < now) return fitting
  return Math.max(now, streamWindow(2 * streams, full, budgetBytes))
}

/**
 * Runs `create`, and gives the one HTTP/2 server that it made our windows. A grpc-js server ignores `flow_control_window`, and
 * results flow towards the server: with the protocol's own 64 KiB one agent gets 0.76 MB/s at 50 ms round trip. Node's function is
 * replaced only while `create` runs, which is synchronous, so that nobody else's server is touched.
 * @throws Error where `create` made no server that way; see also {@link probeWindows}
 */
export function withWindows(
  windows: Windows,
  extra: SecureServerOptions,
  create: () => void,
): Http2SecureServer {
  const original = http2.createSecureServer
  const made: Http2SecureServer[] = []
  const wrapped = (options: SecureServerOptions = {}): Http2SecureServer => {
    const settings = { ...options.settings, initialWindowSize: windows.streamBytes }
    const server = original({ ...options, ...extra, settings })
    made.push(server)
    return server
  }
  Object.assign(http2, { createSecureServer: wrapped })
  try {
    create()
  } finally {
    Object.assign(http2, { createSecureServer: original })
  }
  const [server] = made
  if (server === undefined || made.length > 1)
    throw new Error(
      `expected grpc-js to make one HTTP/2 server, it made ${made.length}: its internals have changed`,
    )
  server.on('session', (session) => session.setLocalWindowSize(windows.connectionBytes))
  return server
}

/**
 * Connects to a server of ours and reads the windows that it really grants.
 * @throws Error where it grants less than it should, says nothing within `timeoutMs`, or is not HTTP/2
 */
export async function probeWindows(
  address: { readonly host: string; readonly port: number },
  expected: Windows,
  timeoutMs = 5_000,
): Promise<void> {
  const granted = await grantedWindows(address, timeoutMs)
  if (granted.streamBytes >= expected.streamBytes && granted.connectionBytes >= expected.connectionBytes)
    return
  throw new Error(
    `the agents' port grants HTTP/2 windows of ${granted.streamBytes} (stream) and ${granted.connectionBytes} (connection) bytes ` +
      `where ${expected.streamBytes} and ${expected.connectionBytes} were set: results would crawl over any distance`,
  )
}

function grantedWindows({ host, port }: { host: string; port: number }, timeoutMs: number): Promise<Windows> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      // Only settings are read, and nothing is sent: whoever answers is good enough.
      createConnection: () => connectTls({ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false }),
    })
    const timer = setTimeout(
      () => session.destroy(new Error("the agents' port does not speak HTTP/2 in time")),
      timeoutMs,
    )
    session.once('close', () => clearTimeout(timer))
    session.once('error', reject)
    session.once('remoteSettings', (settings) => {
      // The connection's window is enlarged after the settings; what answers a ping comes after both.
      session.ping((failed) => {
        if (failed !== null) return reject(failed)
        const connectionBytes = session.state.remoteWindowSize ?? 0
        resolve({ streamBytes: settings.initialWindowSize ?? 0, connectionBytes })
        session.close()
      })
    })
  })
}

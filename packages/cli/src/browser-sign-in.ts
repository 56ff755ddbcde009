import { spawn } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallOutput, Client, RouteTable } from '@sallyport/api'
import { exit, Failure } from './failure.ts'
import type { Surroundings } from './surroundings.ts'

type SignedIn = Awaited<CallOutput<RouteTable['login']['withPassword']>>

/**
 * By the browser of this machine: it comes back over loopback with a code, which is good for whoever knows the verifier alone.
 * RFC 8252, RFC 7636
 * @throws Failure where nobody comes back in time
 */
export async function withBrowser(
  surroundings: Surroundings,
  client: Client,
  /** Where its pages are. */
  gateway: string,
  /** What class of sign-in it is to be. */
  acr?: string,
): Promise<SignedIn> {
  const state = randomBytes(32).toString('base64url')
  const verifier = randomBytes(32).toString('base64url')
  const challenge = hash('sha256', verifier, 'base64url')
  const back = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const code = searchParams.get('code')
    const isOurs = searchParams.get('state') === state && searchParams.get('iss') === gateway
    const isGood = pathname === '/' && isOurs && code !== null
    response.writeHead(isGood ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      connection: 'close',
    })
    response.end(
      isGood ? 'Signed in. You can close this page and go back to your terminal.\n' : 'Not found.\n',
    )
    if (isGood) back.resolve(code)
  })
  const late = setTimeout(() => back.reject(tooLate), patienceMs)
  try {
    const port = await listen(server)
    const query = new URLSearchParams({
      port: String(port),
      state,
      challenge,
      ...(acr !== undefined && { acr }),
    })
    const url = `${gateway}/sign-in/program?${query.toString()}`
    surroundings.errors.write(
      `Sign in in your browser. Where none opens, open this, on this machine:\n\n  ${url}\n\n`,
    )
    openBrowser(surroundings, url)
    return await client.login.withCode({ code: await back.promise, verifier })
  } finally {
    clearTimeout(late)
    server.close()
  }
}

/** By a browser on any machine: a person goes to a page, and compares a code there. RFC 8628 @throws Failure, ApiError */
export async function withDevice(
  surroundings: Surroundings,
  client: Client,
  /** What class of sign-in it is to be. */
  acr?: string,
): Promise<SignedIn> {
  const begun = await client.device.begin({ program: 'sallyport login' })
  const url = new URL(begun.urlWithCode)
  if (acr !== undefined) url.searchParams.set('acr', acr)
  surroundings.errors.write(
    `Open this in any browser, and go on if it shows the same code:\n\n  ${url.href}\n\n  code ${begun.userCode}\n\n`,
  )
  while (surroundings.now() < Date.parse(begun.expiresAt)) {
    const { signedIn } = await client.device.token({ deviceCode: begun.deviceCode })
    if (signedIn !== undefined) return signedIn
  }
  throw tooLate
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** Where there is one; the address is printed as well. */
function openBrowser({ environment }: Surroundings, url: string): void {
  const isDarwin = process.platform === 'darwin'
  const hasScreen =
    isDarwin || environment['DISPLAY'] !== undefined || environment['WAYLAND_DISPLAY'] !== undefined
  if (!hasScreen) return
  spawn(isDarwin ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref()
}

const tooLate = new Failure('nobody completed the sign-in in time', {
  exitCode: exit.notSignedIn,
  next: 'sallyport login',
})
const patienceMs = 600_000

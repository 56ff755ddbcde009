import { readFile } from 'node:fs/promises'
import { createClient, type Client } from '@sallyport/api'
import { exit, Failure } from './failure.ts'
import { SessionFile, stateDirectory } from './session-file.ts'
import type { Surroundings } from './surroundings.ts'

/** A gateway, and whom we are to it. */
export interface Connection {
  readonly client: Client
  readonly gateway: string
  readonly token: string
  /** For native clients; undefined where the system's authorities suffice. */
  readonly caFile: string | undefined
}

/**
 * The gateway that the caller is signed in to. SALLYPORT_GATEWAY and SALLYPORT_TOKEN (and SALLYPORT_CA, a file) come before
 * the session file: that is how pipelines sign in.
 * @throws Failure where nobody is signed in
 */
export async function connection({ environment, now }: Surroundings): Promise<Connection> {
  const file = new SessionFile(stateDirectory(environment))
  const token = environment['SALLYPORT_TOKEN']
  if (token !== undefined && token !== '') return fromEnvironment(environment, token, file)
  const signedIn = await file.read()
  if (signedIn === undefined)
    throw new Failure('not signed in', { exitCode: exit.notSignedIn, next: 'sallyport login --gateway URL' })
  if (Date.parse(signedIn.expiresAt) <= now()) {
    throw new Failure('your sign-in has ended', { exitCode: exit.notSignedIn, next: 'sallyport login' })
  }
  const { gateway, ca } = signedIn
  const client = createClient({
    baseUrl: gateway,
    token: signedIn.token,
    ...(ca === undefined ? {} : { ca }),
  })
  return { client, gateway, token: signedIn.token, caFile: ca === undefined ? undefined : file.caFile }
}

async function fromEnvironment(
  environment: Surroundings['environment'],
  token: string,
  file: SessionFile,
): Promise<Connection> {
  const signedIn = await file.read()
  const gateway = environment['SALLYPORT_GATEWAY'] ?? signedIn?.gateway
  if (gateway === undefined) {
    throw new Failure('SALLYPORT_TOKEN is set, but no gateway is named', {
      exitCode: exit.usage,
      next: 'set SALLYPORT_GATEWAY=https://…',
    })
  }
  const own = environment['SALLYPORT_CA']
  const known = own === undefined && signedIn?.gateway === gateway ? signedIn.ca : undefined
  const ca = own === undefined ? known : await readFile(own, 'utf8')
  const caFile = own ?? (known === undefined ? undefined : file.caFile)
  return {
    client: createClient({ baseUrl: gateway, token, ...(ca === undefined ? {} : { ca }) }),
    gateway,
    token,
    caFile,
  }
}

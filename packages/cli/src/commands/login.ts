import { readFile } from 'node:fs/promises'
import { ApiError, certificateByFingerprint, createClient, fingerprintOf } from '@sallyport/api'
import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { askPassword, askText, confirm } from '../ask.ts'
import { withBrowser, withDevice } from '../browser-sign-in.ts'
import { command, type MakeCommand } from '../command.ts'
import { exit, Failure } from '../failure.ts'
import { Printer } from '../printer.ts'
import { SessionFile, stateDirectory } from '../session-file.ts'
import { SshIdentity } from '../ssh-identity.ts'
import type { Surroundings } from '../surroundings.ts'

interface Options {
  readonly gateway?: string
  readonly user?: string
  readonly setup?: string
  readonly device?: boolean
  readonly acr?: string
  readonly ca?: string
  readonly fingerprint?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export const login: MakeCommand = (surroundings) =>
  command('login', 'sign in to a gateway, for an hour; ssh gets a key and a certificate for as long', [
    'sallyport login --gateway https://gateway.example:8443 --user alice',
    'sallyport login --device   # the browser is on another machine',
    'sallyport login --acr phr   # with what the provider asks for then, such as a security key',
    'sallyport login --setup https://gateway.example:8443/setup#…   # a one-time link',
    'printf %s "$PASSWORD" | sallyport login --gateway https://gateway.example:8443 --user alice --fingerprint sha256:…',
  ])
    .option('--gateway <url>', 'the gateway; the last one where left out')
    .option('--user <name>', 'whom to sign in as, with a password of the gateway')
    .option('--device', 'complete it in a browser on any machine, by a link and a code')
    .option('--acr <value>', 'a class of sign-in that policies ask for, as the provider calls it')
    .option('--setup <link>', 'a one-time set-up link: choose a password, and be signed in')
    .option('--ca <file>', 'PEM of the authority to trust')
    .option('--fingerprint <sha256>', "the fingerprint of the gateway's authority, as it printed it")
    .action((options: Options) => signIn(surroundings, options))

async function signIn(surroundings: Surroundings, options: Options): Promise<void> {
  const printer = new Printer(surroundings, options)
  const file = new SessionFile(stateDirectory(surroundings.environment))
  const before = await file.read().catch(() => undefined)
  const link = options.setup === undefined ? undefined : new URL(options.setup)
  const gateway =
    link?.origin ?? options.gateway ?? surroundings.environment['SALLYPORT_GATEWAY'] ?? before?.gateway
  if (gateway === undefined)
    throw new Failure('which gateway?', { exitCode: exit.usage, next: 'sallyport login --gateway URL' })
  const ca = await trust(surroundings, options, gateway, before?.gateway === gateway ? before.ca : undefined)
  const client = createClient({ baseUrl: gateway, ...(ca === undefined ? {} : { ca }) })

  const signedIn = await signedInBy()
  await mustBeAsAsked()
  await file.write({ gateway, ...signedIn, ...(ca === undefined ? {} : { ca }) })
  const identity = await sshIdentity()
  printer.result(
    { gateway, user: signedIn.user, expiresAt: signedIn.expiresAt, ...(identity && { ssh: identity }) },
    () =>
      `Signed in to ${gateway} as ${signedIn.user} until ${new Date(signedIn.expiresAt).toLocaleTimeString()}.\n`,
  )

  /** Whoever has signed in is signed in, whether or not there is anything for ssh. */
  async function sshIdentity() {
    const identity = new SshIdentity(stateDirectory(surroundings.environment))
    try {
      await identity.renew(
        createClient({ baseUrl: gateway!, token: signedIn.token, ...(ca === undefined ? {} : { ca }) }),
        signedIn.user,
      )
      return { identityFile: identity.keyFile, certificateFile: identity.certificateFile }
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown
      await identity.forget()
      printer.note(`No certificate for ssh: ${thrown.message}`)
      return undefined
    }
  }

  /** What is not good for what it was asked for is given back. */
  async function mustBeAsAsked(): Promise<void> {
    const { acr } = options
    if (acr === undefined) return
    const own = createClient({
      baseUrl: gateway!,
      token: signedIn.token,
      ...(ca === undefined ? {} : { ca }),
    })
    if ((await own.whoami.get()).signedIn?.acr.includes(acr) === true) return
    await own.whoami.logout()
    throw new Failure(`you were signed in, but not by ${acr}`, {
      exitCode: exit.notSignedIn,
      next: 'it takes the company’s provider, and one that knows it: ask an administrator',
    })
  }

  async function signedInBy() {
    if (link !== undefined) return withLink(link)
    if (options.device === true) return withDevice(surroundings, client, options.acr)
    if (options.user !== undefined) return withPassword()
    const { provider, url } = await client.login.methods()
    if (provider === undefined) return withPassword()
    const isElsewhere = surroundings.environment['SSH_CONNECTION'] !== undefined
    return isElsewhere
      ? withDevice(surroundings, client, options.acr)
      : withBrowser(surroundings, client, url, options.acr)
  }

  async function withPassword() {
    const name = options.user ?? (await askText(surroundings, 'User', '--user'))
    const password = await askPassword(surroundings, `Password of ${name}`)
    return client.login.withPassword({ name, password })
  }

  async function withLink({ hash }: URL) {
    const code = hash.slice(1)
    const { user } = await client.setup.look({ code })
    const name = user ?? options.user ?? (await askText(surroundings, 'Your user name', '--user'))
    const password = await askPassword(surroundings, `New password of ${name} (12 characters or more)`)
    return client.setup.consume({ code, password, ...(user === undefined ? { name } : {}) })
  }
}

/** What to trust: a file, a fingerprint, what was trusted before, the system, or, asked and shown, what is there. */
async function trust(
  surroundings: Surroundings,
  options: Options,
  gateway: string,
  known: string | undefined,
): Promise<string | undefined> {
  if (options.ca !== undefined) return readFile(options.ca, 'utf8')
  if (options.fingerprint !== undefined) return certificateByFingerprint(gateway, options.fingerprint)
  const client = createClient({ baseUrl: gateway, ...(known === undefined ? {} : { ca: known }) })
  try {
    await client.gateway.version()
    return known
  } catch (thrown) {
    if (!(thrown instanceof ApiError) || thrown.code !== 'bad-certificate' || known !== undefined)
      throw thrown
  }
  const fingerprint = await authorityFingerprint(gateway)
  const isTrusted = await confirm(
    surroundings,
    `${gateway} is signed by an authority unknown to this machine:\n  ${fingerprint}\nDoes the gateway print the same, and do you trust it?`,
  )
  if (!isTrusted) {
    throw new Failure(`the certificate of ${gateway} is not trusted`, {
      exitCode: exit.unreachable,
      next: `compare ${fingerprint} with what the gateway prints, then give --fingerprint or --ca`,
    })
  }
  return certificateByFingerprint(gateway, fingerprint)
}

/** The fingerprint of the last certificate that the gateway shows. Nothing is sent to it. */
function authorityFingerprint(gateway: string): Promise<string> {
  const { hostname, port } = new URL(gateway)
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: hostname, port: Number(port || 443), servername: hostname, rejectUnauthorized: false },
      () => {
        let certificate = socket.getPeerCertificate(true)
        while (
          certificate.issuerCertificate !== undefined &&
          certificate.issuerCertificate.fingerprint256 !== certificate.fingerprint256
        ) {
          certificate = certificate.issuerCertificate
        }
        socket.destroy()
        resolve(fingerprintOf(new X509Certificate(certificate.raw)))
      },
    )
    socket.on('error', reject)
  })
}

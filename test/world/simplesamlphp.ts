import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { createTestAuthority } from './certificates.ts'
import { freePort } from './ports.ts'
import { mustRun, startProcess } from './process.ts'
import { temporaryDirectory } from './temporary.ts'

const program = '/usr/share/simplesamlphp/www'

/** What Debian as root installs for it. */
export const simpleSamlPhpPackages = ['simplesamlphp', 'php-cli', 'php-xml', 'php-mbstring']

/** Whether there is a SAML identity provider to test with. */
export function isSimpleSamlPhpInstalled(): boolean {
  return existsSync(program) && existsSync('/usr/bin/php')
}

/** Somebody whom the provider knows. */
export interface SamlPerson {
  readonly uid: string
  groups: readonly string[]
}

/** A real SAML identity provider of the test's own, over TLS, on another host's address than the gateway's. Every password is `password`. */
export interface SimpleSamlPhp extends AsyncDisposable {
  readonly url: string
  /** PEM of who signs its certificate of TLS. */
  readonly authority: string
  /** What it says of itself. */
  metadata(): Promise<string>
  /** Who may sign in there, from now on. */
  know(people: readonly SamlPerson[]): Promise<void>
  /** The metadata of whom it signs people in for. */
  serve(metadata: string): Promise<void>
}

export async function startSimpleSamlPhp(): Promise<SimpleSamlPhp> {
  await using rollback = new AsyncDisposableStack()
  const { path } = rollback.use(await temporaryDirectory())
  const authority = await createTestAuthority('Test SAML provider authority')
  const { key, certificate } = await authority.issue(['127.0.0.1'])
  const [port, inner] = [await freePort(), await freePort()]
  const url = `https://127.0.0.1:${port}`
  await configure(path, url)
  rollback.use(
    await startProcess(
      'php',
      ['-d', `session.save_path=${path}/sessions`, '-S', `127.0.0.1:${inner}`, '-t', program],
      {
        environment: { PATH: process.env['PATH'], SIMPLESAMLPHP_CONFIG_DIR: join(path, 'config') },
      },
    ),
  )
  const server = createServer({ key, cert: certificate }, (incoming, outgoing) => {
    const headers = { ...incoming.headers, host: new URL(url).host }
    const passed = request(
      { port: inner, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    ).on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  rollback.defer(() => closed(server))
  const life = rollback.move()
  return {
    url,
    authority: authority.certificate,
    metadata: () => metadataAt(inner, new URL(url).host),
    know: (people) =>
      writeFile(
        join(path, 'people.json'),
        JSON.stringify(
          Object.fromEntries(people.map(({ uid, groups }) => [`${uid}:password`, { uid: [uid], groups }])),
        ),
      ),
    serve: (metadata) => writeFile(join(path, 'gateway.xml'), metadata),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

/** @see https://simplesamlphp.org/docs/1.19/simplesamlphp-idp.html */
async function configure(path: string, url: string): Promise<void> {
  const config = join(path, 'config')
  for (const one of ['config', 'cert', 'metadata', 'log', 'sessions', 'tmp', 'data'])
    await mkdir(join(path, one), { recursive: true })
  const fresh = 'req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=provider'.split(' ')
  await mustRun('openssl', [
    ...fresh,
    '-keyout',
    join(path, 'cert/idp.pem'),
    '-out',
    join(path, 'cert/idp.crt'),
  ])
  const files = {
    [join(config, 'config.php')]: `$config = [
      'baseurlpath' => '${url}/',
      'certdir' => '${path}/cert/', 'loggingdir' => '${path}/log/', 'datadir' => '${path}/data/', 'tempdir' => '${path}/tmp',
      'secretsalt' => 'the salt of a test', 'auth.adminpassword' => 'of a test', 'technicalcontact_email' => 'na@example.org',
      'logging.handler' => 'file', 'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true],
      'session.cookie.secure' => false, 'store.type' => 'phpsession',
      'metadatadir' => '${path}/metadata',
      'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '${path}/gateway.xml']],
    ];`,
    [join(config, 'authsources.php')]: `$config = [
      'people' => array_merge(['exampleauth:UserPass'], json_decode(file_get_contents('${path}/people.json'), true)),
    ];`,
    [join(path, 'metadata/saml20-idp-hosted.php')]: `$metadata['__DYNAMIC:1__'] = [
      'host' => '__DEFAULT__', 'privatekey' => 'idp.pem', 'certificate' => 'idp.crt', 'auth' => 'people',
      'authproc' => [1 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid']],
    ];`,
  }
  for (const [file, text] of Object.entries(files)) await writeFile(file, `<?php\n${text}\n`)
  await writeFile(join(path, 'people.json'), '{}')
  await writeFile(
    join(path, 'gateway.xml'),
    '<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>',
  )
}

async function metadataAt(port: number, host: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const text = await new Promise<string>((resolve) => {
      const path = '/saml2/idp/metadata.php'
      request({ port, host: '127.0.0.1', path, headers: { host }, agent: false }, (answer) => {
        let whole = ''
        answer.setEncoding('utf8').on('data', (part: string) => (whole += part))
        answer.on('end', () => resolve(whole))
      })
        .on('error', () => resolve(''))
        .end()
    })
    if (text.includes('EntityDescriptor') || tries === 100) return text
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { mustRun } from './process.ts'
import { temporaryDirectory } from './temporary.ts'

const certutil = '/usr/bin/certutil'

/** Debian's names of what {@link startChromium} needs. */
export const chromiumPackages = ['chromium', 'libnss3-tools', 'fonts-dejavu-core']

/** Whether there is a browser to test with. */
export function hasChromium(): boolean {
  return findChromium() !== undefined && existsSync(certutil)
}

/** A real browser with a profile of its own, without a window. `await using` ends it and forgets all it had. */
export class Chromium implements AsyncDisposable {
  readonly #context: BrowserContext
  readonly #life: AsyncDisposableStack
  /** What pages complained of: errors of scripts, what a content security policy stopped, what could not be loaded. */
  readonly complaints: string[] = []

  constructor(context: BrowserContext, life: AsyncDisposableStack) {
    this.#context = context
    this.#life = life
    context.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
    context.on('weberror', (error) => this.complaints.push(error.error().message))
  }

  page(): Promise<Page> {
    return this.#context.newPage()
  }

  cookies(url: string) {
    return this.#context.cookies(url)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close()
    await this.#life.disposeAsync()
  }
}

/**
 * @param trusted authorities, PEM: taken into the profile's own store, so that certificates are verified as ever
 * @throws Error where there is no Chromium
 */
export async function startChromium(trusted: readonly string[]): Promise<Chromium> {
  const program = findChromium()
  if (program === undefined) throw new Error('chromium is missing')
  await using life = new AsyncDisposableStack()
  const { path: home } = life.use(await temporaryDirectory())
  await trust(home, trusted)
  const isRoot = process.getuid?.() === 0
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: program,
    // Nothing but this machine is asked, whatever a page names.
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'],
    env: { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8' },
    // Its sandbox wants a user who is not root.
    chromiumSandbox: !isRoot,
    timeout: 60_000,
  })
  context.setDefaultTimeout(20_000)
  return new Chromium(context, life.move())
}

async function trust(home: string, authorities: readonly string[]): Promise<void> {
  const store = join(home, '.pki/nssdb')
  await mkdir(store, { recursive: true })
  const database = ['-d', `sql:${store}`]
  await mustRun(certutil, [...database, '-N', '--empty-password'])
  for (const [i, certificate] of authorities.entries()) {
    const file = join(home, `authority-${i}.pem`)
    await writeFile(file, certificate)
    await mustRun(certutil, [...database, '-A', '-n', `authority ${i}`, '-t', 'C,,', '-i', file])
  }
}

function findChromium(): string | undefined {
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))
}

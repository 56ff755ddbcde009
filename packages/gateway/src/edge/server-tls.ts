import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '@sallyport/core'
import type { CertificateAuthority } from '@sallyport/identity'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'

/** A certificate with its chain, and its key: PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

export interface ServerTlsOptions {
  /** Host names and addresses that our own certificate is for. */
  readonly names: readonly string[]
  /** Further alternative names of the kind URI. */
  readonly uris?: readonly string[]
  /** Your own certificate and key, in place of ours. */
  readonly files?: { readonly certificate: string; readonly key: string }
  readonly authority: CertificateAuthority
  readonly clock: Clock
  readonly onRenewed: (pair: KeyPair) => void
  readonly onTrouble: (error: unknown) => void
}

/**
 * The certificate that clients see, on the API and inside every protocol: signed by our own authority for the configured names, or
 * brought as files. Looked after every hour: ours is replaced when a third of its life is left, files when they change.
 */
export class ServerTls implements Disposable {
  readonly #options: ServerTlsOptions
  readonly #timer: NodeJS.Timeout
  #pair: KeyPair
  #context: SecureContext

  private constructor(options: ServerTlsOptions, pair: KeyPair) {
    this.#options = options
    this.#pair = pair
    this.#context = createSecureContext({ ...pair, minVersion: 'TLSv1.2' })
    this.#timer = setInterval(() => {
      this.lookAfter().catch(options.onTrouble)
    }, lookAfterMs).unref()
  }

  /** @throws CannotStart where the files cannot be used */
  static async open(options: ServerTlsOptions): Promise<ServerTls> {
    try {
      return new ServerTls(options, await obtain(options))
    } catch (error) {
      if (options.files === undefined) throw error
      throw new CannotStart(
        5,
        `the certificate and key of tls.certificate and tls.key cannot be used: ${reason(error)}`,
        'give PEM files that belong together, or leave both out to have the gateway sign its own',
        { cause: error },
      )
    }
  }

  get pair(): KeyPair {
    return this.#pair
  }

  /** For a protocol's own TLS: asked for anew for each connection. */
  get context(): SecureContext {
    return this.#context
  }

  /** Milliseconds since 1970. */
  get notAfterMs(): number {
    return Date.parse(new X509Certificate(this.#pair.cert).validTo)
  }

  async lookAfter(): Promise<void> {
    const isOwn = this.#options.files === undefined
    if (isOwn && !isDue(new X509Certificate(this.#pair.cert), this.#options.clock.now())) return
    const pair = await obtain(this.#options)
    if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return
    this.#context = createSecureContext({ ...pair, minVersion: 'TLSv1.2' })
    this.#pair = pair
    this.#options.onRenewed(pair)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

async function obtain({ files, authority, names, uris = [] }: ServerTlsOptions): Promise<KeyPair> {
  if (files !== undefined) {
    return { cert: await readFile(files.certificate, 'utf8'), key: await readFile(files.key, 'utf8') }
  }
  const issued = await authority.issueServerCertificate({ names, uris })
  return { cert: issued.certificate, key: issued.privateKey.reveal() }
}

/** How clients may call this gateway. */
export function serverNames(config: Config): string[] {
  return [...new Set([config.publicHost, ...config.tls.names, 'localhost', '127.0.0.1', '::1'])]
}

/** A third of its life, or less, is left. */
function isDue(certificate: X509Certificate, nowMs: number): boolean {
  const from = Date.parse(certificate.validFrom)
  const to = Date.parse(certificate.validTo)
  return to - nowMs < (to - from) / 3
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'EACCES'
    ? (error.message.split(',', 1)[0] ?? code)
    : (code ?? error.message)
}

const lookAfterMs = 3_600_000

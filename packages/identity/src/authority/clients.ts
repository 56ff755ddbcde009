import { X509Certificate } from 'node:crypto'
import { Secret, type Clock, type Subject, type UpstreamCredential } from '@sallyport/core'
import type { SettingReader, SettingWriter, Store } from '@sallyport/store'
import type { SealedBox } from '../sealed-box.ts'
import { createAuthority, loadAuthority, type AuthorityParts, type CertificateAuthority } from './x509.ts'

/** An authority's public half, as targets and people take it. */
export interface ClientAuthorityView {
  /** PEM. */
  readonly certificate: string
  /** SHA-256 of the certificate, in hexadecimal digits. */
  readonly fingerprint: string
  /** Milliseconds since 1970. */
  readonly notAfterMs: number
  /** It certifies keys now; another one may later, or has before. */
  readonly signs: boolean
}

/**
 * Certifies keys with which the gateway itself logs in to targets over TLS. Targets trust its authority; nobody's client ever holds a
 * certificate of it, and the gateway lets nobody in by one.
 *
 * There is one authority, or two while one takes the place of the other: targets come to trust both before the second begins to sign,
 * and may forget the first once it does not any more.
 */
export class ClientAuthorities implements Disposable {
  readonly #store: Store
  readonly #box: SealedBox
  readonly #clock: Clock
  readonly #subscription: Disposable
  #signing: Promise<CertificateAuthority> | undefined

  private constructor(store: Store, box: SealedBox, clock: Clock) {
    this.#store = store
    this.#box = box
    this.#clock = clock
    this.#subscription = store.onCommit((changes) => {
      if (changes.some(({ table, key }) => table === 'settings' && key === setting)) this.#signing = undefined
    })
  }

  /** Makes the first one where there is none. @throws SealError where they are sealed under another key */
  static async open(store: Store, box: SealedBox, clock: Clock): Promise<ClientAuthorities> {
    const authorities = new ClientAuthorities(store, box, clock)
    if ((await authorities.#kept(store.read.settings)) !== undefined) return authorities
    const signing = await newAuthority(clock)
    await store.write('system', 'first start', (tx) => authorities.#keep(tx.settings, { signing }))
    return authorities
  }

  /**
   * A fresh key and its certificate, good for one log-in.
   * @param account the common name, by which the target knows whom it lets in
   * @param session by which the target's log and ours are about the same
   * @throws RangeError where the account's name cannot stand in a certificate
   */
  async issue(account: string, session: string): Promise<UpstreamCredential> {
    this.#signing ??= this.#load()
    const signing = await this.#signing
    const clientCertificate = await signing.issueClientCertificate({
      commonName: account,
      uri: `spiffe://sallyport/session/${session}`,
      lifetimeMs: logInMs,
    })
    return { user: account, clientCertificate }
  }

  /** The one that signs first. */
  async list(): Promise<readonly ClientAuthorityView[]> {
    const { signing, other } = await this.#there(this.#store.read.settings)
    return [viewOf(signing, true), ...(other === undefined ? [] : [viewOf(other, false)])]
  }

  /** Makes a second one, which does not sign yet. @returns false where there are two */
  async prepare(by: Subject): Promise<boolean> {
    const made = await newAuthority(this.#clock)
    return this.#change(by, 'prepare', ({ signing, other }) =>
      other === undefined ? { signing, other: made } : undefined,
    )
  }

  /** Has the other one sign, and keeps the one that did. @returns false where there is one */
  switch(by: Subject): Promise<boolean> {
    return this.#change(by, 'switch', ({ signing, other }) =>
      other === undefined ? undefined : { signing: other, other: signing },
    )
  }

  /** Forgets the one that does not sign. @returns false where there is one */
  retire(by: Subject): Promise<boolean> {
    return this.#change(by, 'retire', ({ signing, other }) => (other === undefined ? undefined : { signing }))
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }

  #change(by: Subject, verb: string, change: (kept: Kept) => Kept | undefined): Promise<boolean> {
    return this.#store.write(by, `${verb} an authority for clients`, async (tx) => {
      const changed = change(await this.#there(tx.settings))
      if (changed !== undefined) await this.#keep(tx.settings, changed)
      return changed !== undefined
    })
  }

  async #load(): Promise<CertificateAuthority> {
    try {
      const { signing } = await this.#there(this.#store.read.settings)
      return await loadAuthority(signing, this.#clock)
    } catch (thrown) {
      this.#signing = undefined
      throw thrown
    }
  }

  async #there(settings: SettingReader): Promise<Kept> {
    const kept = await this.#kept(settings)
    if (kept === undefined) throw new Error('there is no authority for clients')
    return kept
  }

  async #kept(settings: SettingReader): Promise<Kept | undefined> {
    const sealed = await settings.get(setting)
    if (sealed === undefined) return undefined
    // Written by this very class, and authenticated by the seal.
    const { signing, other } = JSON.parse(this.#box.openText(setting, sealed).reveal()) as {
      signing: Written
      other?: Written
    }
    return { signing: asParts(signing), ...(other !== undefined && { other: asParts(other) }) }
  }

  async #keep(settings: SettingWriter, { signing, other }: Kept): Promise<void> {
    const text = JSON.stringify({ signing: written(signing), ...(other && { other: written(other) }) })
    await settings.put(setting, this.#box.sealText(setting, new Secret(text)))
  }
}

interface Kept {
  readonly signing: AuthorityParts
  readonly other?: AuthorityParts
}

interface Written {
  readonly certificate: string
  readonly privateKey: string
}

function asParts({ certificate, privateKey }: Written): AuthorityParts {
  return { certificate, privateKey: new Secret(privateKey) }
}

function written({ certificate, privateKey }: AuthorityParts): Written {
  return { certificate, privateKey: privateKey.reveal() }
}

/** The name tells two of them apart in a target's file; a chain is built by names. */
function newAuthority(clock: Clock): Promise<AuthorityParts> {
  const day = new Date(clock.now()).toISOString().slice(0, 19)
  return createAuthority({ name: `Sallyport, clients of targets, ${day}Z`, clock })
}

function viewOf({ certificate }: AuthorityParts, signs: boolean): ClientAuthorityView {
  const { fingerprint256, validToDate } = new X509Certificate(certificate)
  return {
    certificate,
    fingerprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfterMs: validToDate.getTime(),
    signs,
  }
}

/** Where they are kept, and what the seal is bound to. */
const setting = 'client-authorities'
/** A log-in takes no longer; a target asks for the certificate only then. */
const logInMs = 5 * 60_000

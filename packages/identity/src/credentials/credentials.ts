import {
  Fault,
  type CredentialRequest,
  type CredentialSource,
  type FoundCredential,
  type Lease,
  type UpstreamCredential,
} from '@sallyport/core'
import type { CredentialKind, CredentialKinds, Undertake } from './kind.ts'
import { Leases, type LeasesParts } from './leases.ts'

export interface CredentialParts extends Omit<LeasesParts, 'release'> {
  readonly kinds: CredentialKinds
}

/**
 * Where targets' credentials come from. None is kept longer than one log-in takes, unless it was made for a session: then as long as
 * that lasts.
 */
export class Credentials implements AsyncDisposable {
  readonly #kinds: CredentialKinds
  readonly #leases: Leases

  constructor({ kinds, ...parts }: CredentialParts) {
    this.#kinds = kinds
    this.#leases = new Leases({
      ...parts,
      release: async (source, what, signal) => {
        const kind = Object.hasOwn(kinds, source) ? kinds[source as CredentialSource['from']] : undefined
        if (kind?.release === undefined) throw new Error(`nothing of a source ${source} can be undone here`)
        await kind.release(what, signal)
      },
    })
  }

  /**
   * What to log in with.
   * @throws Fault gateway/no-credential, without a word of the credential itself; gateway/no-agent, gateway/agent-lost,
   * gateway/store-unavailable
   */
  async find(request: CredentialRequest): Promise<FoundCredential> {
    const { account, resource } = request
    let lease: Lease | undefined
    const undertake: Undertake = async (what, terms) => {
      if (lease !== undefined) throw new Error('a credential has one lease')
      lease = await this.#leases.hold(account.credential.from, request, what, terms)
    }
    try {
      const credential = await this.#fetch(account.credential, request, undertake)
      return lease === undefined ? { credential } : { credential, lease }
    } catch (thrown) {
      await lease?.release()
      if (thrown instanceof Fault) throw thrown
      throw new Fault(
        'gateway/no-credential',
        `the credential of account ${account.name} on ${resource.name} is not available`,
        { cause: thrown },
      )
    }
  }

  /** When everybody has left: see {@link Leases.settle}. */
  settle(ms: number): Promise<void> {
    return this.#leases.settle(ms)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#leases[Symbol.asyncDispose]()
  }

  #fetch(
    source: CredentialSource,
    request: CredentialRequest,
    undertake: Undertake,
  ): Promise<UpstreamCredential> {
    // Which of them a name stands for, the table's type says; that it is this source's, the compiler cannot.
    const kind = this.#kinds[source.from] as CredentialKind
    return kind.fetch(source, request, undertake)
  }
}

import type { Clock } from '@sallyport/core'
import { AwsStore, type AwsSettings } from '../aws/aws-store.ts'
import type { VaultSettings } from '../vault/settings.ts'
import { VaultClient } from '../vault/vault-client.ts'
import { StoreProblem } from './store-problem.ts'

/** A store that is configured, for `doctor`. */
export interface StoreToCheck {
  readonly name: string
  /** @returns what is well, in a few words. @throws StoreProblem */
  check(signal: AbortSignal): Promise<string>
}

/** The stores that accounts may take credentials from, by name. None is asked before it is needed. */
export class CredentialStores implements AsyncDisposable {
  readonly #vaults: ReadonlyMap<string, VaultClient>
  readonly #aws: ReadonlyMap<string, AwsStore>

  constructor(
    stores: { readonly vaults: readonly VaultSettings[]; readonly aws: readonly AwsSettings[] },
    clock: Clock,
  ) {
    this.#vaults = new Map(stores.vaults.map((settings) => [settings.name, new VaultClient(settings, clock)]))
    this.#aws = new Map(stores.aws.map((settings) => [settings.name, new AwsStore(settings, clock)]))
  }

  /** @throws StoreProblem */
  vault(name: string): VaultClient {
    return this.#vaults.get(name) ?? none('vault', name)
  }

  /** @throws StoreProblem */
  aws(name: string): AwsStore {
    return this.#aws.get(name) ?? none('aws', name)
  }

  toCheck(): readonly StoreToCheck[] {
    const vaults = Array.from(this.#vaults, ([name, vault]): StoreToCheck => ({
      name,
      check: async (signal) => {
        const { tokenLastsMs } = await vault.check(signal)
        return tokenLastsMs === Infinity
          ? 'it lets us in'
          : `it lets us in; our token is good for ${Math.round(tokenLastsMs / 60_000)} min more`
      },
    }))
    const aws = Array.from(this.#aws, ([name, store]): StoreToCheck => ({
      name,
      check: async () => `we are ${await store.check()} there`,
    }))
    return [...vaults, ...aws]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const store of this.#aws.values()) store[Symbol.dispose]()
    await Promise.all(Array.from(this.#vaults.values(), (vault) => vault[Symbol.asyncDispose]()))
  }
}

function none(kind: string, name: string): never {
  throw new StoreProblem('missing', `no store ${name} of kind ${kind} is configured`)
}

import {
  Fault,
  type Account,
  type CredentialSource,
  type Resource,
  type Secret,
  type UpstreamCredential,
} from '@sallyport/core'
import type { Readers } from '@sallyport/store'
import type { SealedBox } from '../sealed-box.ts'
import type { TargetAuthority } from '../authority/ssh.ts'
import { fromAgent, type AskAgent } from './agent.ts'
import { fromEnvironment } from './environment.ts'
import { fromFile } from './file.ts'
import { asKeyOrPassword } from './key-or-password.ts'
import { fromSealed } from './sealed.ts'

export interface CredentialParts {
  readonly credentials: Readers['credentials']
  readonly box: SealedBox
  readonly askAgent: AskAgent
  readonly targets: Pick<TargetAuthority, 'issue'>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Variables that are nobody's credential, such as the one with the master key: a resource must not send them to a target. */
  readonly withheldVariables: readonly string[]
  /** Files and directories likewise, such as the data directory. */
  readonly withheldPaths: readonly string[]
}

/** Where targets' credentials come from. None is kept longer than one log-in takes. */
export class Credentials {
  readonly #parts: CredentialParts

  constructor(parts: CredentialParts) {
    this.#parts = parts
  }

  /**
   * What to log in to `resource` with, as `account`.
   * @throws Fault gateway/no-credential, without a word of the credential itself; gateway/no-agent, gateway/agent-lost,
   * gateway/store-unavailable
   */
  async forAccount(
    resource: Resource,
    account: Account,
    session: string,
    signal: AbortSignal,
  ): Promise<UpstreamCredential> {
    try {
      return await this.#fetch(resource, account, session, signal)
    } catch (thrown) {
      if (thrown instanceof Fault) throw thrown
      throw new Fault(
        'gateway/no-credential',
        `the credential of account ${account.name} on ${resource.name} is not available`,
        { cause: thrown },
      )
    }
  }

  async #fetch(
    resource: Resource,
    { name: user, credential: source }: Account,
    session: string,
    signal: AbortSignal,
  ): Promise<UpstreamCredential> {
    const parts = this.#parts
    switch (source.from) {
      case 'none':
        return { user }
      case 'sealed':
      case 'environment':
      case 'file':
        return asKeyOrPassword(user, await secretFrom(parts, source))
      case 'agent': {
        const request = { pool: resource.agent, name: source.name, resource: resource.name, session }
        return fromAgent(parts.askAgent, request, user, signal)
      }
      case 'certificate':
        return parts.targets.issue(user, session)
    }
  }
}

/** What the gateway can open by itself. @throws Error where it is not there; Fault gateway/store-unavailable */
export async function secretFrom(
  parts: Omit<CredentialParts, 'askAgent' | 'targets'>,
  source: Exclude<CredentialSource, { readonly from: 'agent' | 'certificate' | 'none' }>,
): Promise<Secret> {
  switch (source.from) {
    case 'sealed':
      return fromSealed(parts.credentials, parts.box, source.name)
    case 'environment':
      return fromEnvironment(parts.environment, parts.withheldVariables, source.variable)
    case 'file':
      return fromFile(source.path, parts.withheldPaths)
  }
}

import type { TargetAuthority } from '../authority/ssh.ts'
import { fromAgent, type AskAgent } from './agent.ts'
import { secretFrom, type KeptParts, type KeptSource } from './kept.ts'
import { asKeyOrPassword } from './key-or-password.ts'
import type { CredentialKind, CredentialKinds } from './kind.ts'

export interface KindParts extends KeptParts {
  readonly askAgent: AskAgent
  readonly targets: Pick<TargetAuthority, 'issue'>
}

/** Every kind of source, by its name: `from` of an account's credential. */
export function credentialKinds(parts: KindParts): CredentialKinds {
  const kept: CredentialKind<KeptSource> = {
    fetch: async (source, { account }) => asKeyOrPassword(account.name, await secretFrom(parts, source)),
  }
  return {
    sealed: kept,
    environment: kept,
    file: kept,
    agent: {
      fetch: ({ name }, { resource, account, session, signal }) =>
        fromAgent(
          parts.askAgent,
          { pool: resource.agent, name, resource: resource.name, session },
          account.name,
          signal,
        ),
    },
    certificate: {
      fetch: (_source, { account, session }) =>
        Promise.resolve().then(() => parts.targets.issue(account.name, session)),
    },
    none: { fetch: (_source, { account }) => Promise.resolve({ user: account.name }) },
  }
}

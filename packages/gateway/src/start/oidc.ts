import {
  BackChannel,
  Provider,
  ProviderChecks,
  ProviderExamination,
  ProviderSignIn,
  StepUps,
} from '@sallyport/identity'
import type { Config } from '../config/schema.ts'
import { readNamed } from './named-file.ts'
import type { ProviderAtWork, ProviderOptions } from './provider.ts'
import { secretAt } from './secret-reference.ts'

type OidcConfig = NonNullable<Config['oidc']>

/** @throws CannotStart where a file that the configuration names is not there */
export function openOidc(oidc: OidcConfig, options: ProviderOptions): ProviderAtWork {
  const { clock, environment, foundation, people, events } = options
  const { certificateAuthority: authority } = oidc
  const { store, box } = foundation
  const parts = {
    settings: {
      ...oidc,
      certificateAuthority:
        authority === undefined ? undefined : readNamed(authority, 'oidc.certificateAuthority'),
    },
    clientSecret: () => secretAt(oidc.clientSecret, { environment, store, box }),
    clock,
  }
  const provider = new Provider(parts)
  const stepUps = new StepUps({ store, box, clock })
  return {
    kind: 'oidc',
    stepUps,
    name: oidc.name,
    examine: (baseUrl) =>
      new ProviderExamination({ ...parts, redirectUri: `${baseUrl}/sign-in/callback` }).looks,
    signIn: new ProviderSignIn({
      kind: 'oidc',
      provider,
      stepUps,
      store,
      tokens: people.tokens,
      box,
      clock,
      onProblem: ({ kind, message }, address) => events.providerProblem(kind, message, address),
    }),
    checks: new ProviderChecks({
      provider,
      store,
      box,
      clock,
      onUnavailable: ({ kind, message }) => events.providerProblem(kind, message),
    }),
    backChannel: new BackChannel({
      provider,
      store,
      clock,
      onRefused: (why, address) => events.logoutRefused(why, address),
    }),
  }
}

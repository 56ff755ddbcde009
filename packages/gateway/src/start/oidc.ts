import { readFileSync } from 'node:fs'
import type { Secret } from '@sallyport/core'
import {
  BackChannel,
  Provider,
  ProviderChecks,
  ProviderExamination,
  ProviderSignIn,
  secretFrom,
  StepUps,
} from '@sallyport/identity'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'
import type { ProviderAtWork, ProviderOptions } from './provider.ts'

type OidcConfig = NonNullable<Config['oidc']>

/** @throws CannotStart where a file that the configuration names is not there */
export function openOidc(oidc: OidcConfig, options: ProviderOptions): ProviderAtWork {
  const { clock, foundation, people, events } = options
  const { store, box } = foundation
  const parts = {
    settings: { ...oidc, certificateAuthority: read(oidc.certificateAuthority) },
    clientSecret: () => clientSecret(oidc.clientSecret, options),
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

function clientSecret(
  reference: string,
  { environment, foundation: { store, box } }: ProviderOptions,
): Promise<Secret> {
  const withheld = { withheldVariables: [], withheldPaths: [] }
  const parts = { credentials: store.read.credentials, box, environment, ...withheld }
  const at = reference.indexOf(':')
  const what = reference.slice(at + 1)
  switch (reference.slice(0, at)) {
    case 'sealed':
      return secretFrom(parts, { from: 'sealed', name: what })
    case 'env':
      return secretFrom(parts, { from: 'environment', variable: what })
    default:
      return secretFrom(parts, { from: 'file', path: what })
  }
}

function read(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new CannotStart(
      5,
      `${file}, which oidc.certificateAuthority names, cannot be read`,
      'see that it is there',
      {
        cause,
      },
    )
  }
}

import { readFileSync } from 'node:fs'
import { Secret, type Clock } from '@sallyport/core'
import { Provider, ProviderChecks, ProviderSignIn, secretFrom } from '@sallyport/identity'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import type { People } from './control-core.ts'
import type { Foundation } from './foundation.ts'

export interface ProviderOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly foundation: Pick<Foundation, 'store' | 'box'>
  readonly people: Pick<People, 'tokens'>
  readonly events: Events
}

/** The configured provider at work: signing people in, and asking about those whom it has. */
export interface ProviderAtWork {
  readonly name: string
  readonly provider: Provider
  readonly signIn: ProviderSignIn
  readonly checks: ProviderChecks
}

/** @throws CannotStart where a file that the configuration names is not there */
export function openProvider(options: ProviderOptions): ProviderAtWork | undefined {
  const { config, clock, foundation, people, events } = options
  const { oidc } = config
  if (oidc === undefined) return undefined
  const { store, box } = foundation
  const provider = new Provider({
    settings: { ...oidc, certificateAuthority: read(oidc.certificateAuthority) },
    clientSecret: () => clientSecret(oidc.clientSecret, options),
    clock,
  })
  return {
    name: oidc.name,
    provider,
    signIn: new ProviderSignIn({
      provider,
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
      onUnavailable: ({ kind, message }) => events.providerProblem(kind, message),
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

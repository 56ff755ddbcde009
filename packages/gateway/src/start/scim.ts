import type { Clock } from '@sallyport/core'
import { ScimGroups, ScimTokens, ScimUsers, takeSettings, type ScimSettings } from '@sallyport/identity'
import type { Config } from '../config/schema.ts'
import { scimPrefix, type ScimEndpoint } from '../front/scim/routes.ts'
import type { Events } from '../telemetry/events.ts'
import type { People } from './control-core.ts'
import type { Foundation } from './foundation.ts'

export interface ScimOptions {
  readonly config: Config
  readonly clock: Clock
  readonly foundation: Pick<Foundation, 'store'>
  readonly people: Pick<People, 'throttle'>
  readonly events: Pick<Events, 'scimRefused' | 'trouble'>
  readonly baseUrl: () => string
}

/** The SCIM endpoint, where the configuration has one. */
export async function openScim(
  options: ScimOptions,
): Promise<(Omit<ScimEndpoint, 'tokens'> & { readonly tokens: ScimTokens }) | undefined> {
  const { config, clock, foundation, people, events } = options
  const { store } = foundation
  const baseUrl = (): string => options.baseUrl() + scimPrefix
  const settings = settingsOf(config, baseUrl)
  await takeSettings(store, settings)
  if (settings === undefined) return undefined
  return {
    tokens: new ScimTokens({
      store,
      clock,
      throttle: people.throttle,
      onRefused: (from) => events.scimRefused(from),
    }),
    users: new ScimUsers(store, settings),
    groups: new ScimGroups(store, settings),
    baseUrl,
    requestsPerMinute: config.limits.scimRequestsPerMinute,
    onTrouble: (error) => events.trouble('scim', error),
  }
}

/** Of the OpenID provider, where there are two. */
function settingsOf({ oidc, saml, scim }: Config, baseUrl: () => string): ScimSettings | undefined {
  const issuer = (oidc ?? saml)?.issuer
  return issuer === undefined || scim === undefined ? undefined : { ...scim, issuer, baseUrl }
}

import { openOidc } from './oidc.ts'
import type { ProviderAtWork, ProviderOptions } from './provider.ts'
import { openSaml } from './saml.ts'

/**
 * In the order in which the page offers them.
 * @throws CannotStart
 */
export async function openProviders(options: ProviderOptions): Promise<readonly ProviderAtWork[]> {
  const { oidc, saml } = options.config
  return [
    ...(oidc === undefined ? [] : [openOidc(oidc, options)]),
    ...(saml === undefined ? [] : [await openSaml(saml, options)]),
  ]
}

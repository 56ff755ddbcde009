import { openOidc } from './oidc.ts'
import type { ProviderAtWork, ProviderOptions } from './provider.ts'

/**
 * In the order in which the page offers them.
 * @throws CannotStart
 */
export function openProviders(options: ProviderOptions): readonly ProviderAtWork[] {
  const { oidc } = options.config
  return oidc === undefined ? [] : [openOidc(oidc, options)]
}

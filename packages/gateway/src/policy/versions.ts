import type { PolicyText } from '@sallyport/policy'
import type { PolicySet, Store } from '@sallyport/store'
import { notFound } from '../front/problem.ts'

/** A set of policies by its version as people write it. Version 0 is that before anybody applied any. @throws ProblemError not-found */
export async function policySet({ read }: Pick<Store, 'read'>, version: string): Promise<PolicySet> {
  if (version === '0') return noneYet
  const set = /^\d{1,9}$/.test(version) ? await read.policies.get(Number(version)) : undefined
  if (set === undefined) throw notFound('version')
  return set
}

/** @throws ProblemError not-found */
export async function policiesOf(
  store: Pick<Store, 'read'>,
  version: string,
): Promise<readonly PolicyText[]> {
  return (await policySet(store, version)).texts
}

export const noneYet: PolicySet = { version: 0, texts: [], author: 'system', at: 0, note: '' }

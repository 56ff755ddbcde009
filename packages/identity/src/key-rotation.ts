import { createSecretKey, type KeyObject } from 'node:crypto'
import type { SealedTable, Store } from '@sallyport/store'
import { contextOfLease } from './credentials/leases.ts'
import { contextOf } from './credentials/sealed.ts'
import { refreshContext } from './provider-sign-in.ts'
import { rootOf, type SealedBox } from './sealed-box.ts'

/**
 * Seals anew, under the master key of today, what is sealed under the one before: all in one transaction, so that a gateway that dies
 * meanwhile has lost nothing, and begins again. What keys for other purposes are derived from stays what it was: recordings are
 * encrypted by it, and masked values hashed.
 * @returns how many values were
 * @throws SealError where one of them cannot be opened: then nothing was changed
 */
export async function sealAnew(store: Store, box: SealedBox, previous: Uint8Array): Promise<number> {
  return store.write('system', 'another master key', async (tx) => {
    const isFirst = (await tx.settings.get(rootSetting)) === undefined
    const count = await tx.sealedValues.replace((table, key, value) => {
      if (!box.isOutdated(value)) return undefined
      const context = contexts[table](key)
      return box.seal(context, box.open(context, value))
    })
    if (isFirst && count > 0)
      await tx.settings.put(rootSetting, box.seal(rootSetting, rootOf(previous).export()))
    return count
  })
}

/** What keys are derived from where that is not the master key itself: it is the first one no more. @throws SealError */
export async function keptRoot(store: Pick<Store, 'read'>, box: SealedBox): Promise<KeyObject | undefined> {
  const sealed = await store.read.settings.get(rootSetting)
  return sealed && createSecretKey(box.open(rootSetting, sealed))
}

/** What each value is bound to, by its row's key. Settings are under their own name. */
const contexts: Readonly<Record<SealedTable, (key: string) => string>> = {
  credentials: contextOf,
  settings: (key) => key,
  signIns: refreshContext,
  leases: contextOfLease,
}

const rootSetting = 'derivation-root'

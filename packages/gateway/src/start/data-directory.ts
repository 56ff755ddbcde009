import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, type Clock } from '@sallyport/core'
import { lockStore, openStore, type Sharing, type Store } from '@sallyport/store'
import { CannotStart } from '../cannot-start.ts'

/**
 * The store in the data directory, which is made where it does not exist: for this user alone, as it holds all secrets.
 * @throws CannotStart where it cannot be used, or another gateway uses it
 */
export async function openDataDirectory(directory: string, clock: Clock, sharing?: Sharing): Promise<Store> {
  await makeDirectory(directory)
  const file = storeIn(directory)
  return orCannotStart(directory, () => openStore({ file, clock, ...(sharing && { sharing }) }))
}

/**
 * Keeps other gateways off a data directory that several processes of this one use.
 * @throws CannotStart where another gateway uses it
 */
export async function lockDataDirectory(directory: string): Promise<Disposable> {
  await makeDirectory(directory)
  return orCannotStart(directory, () => lockStore(storeIn(directory)))
}

const storeIn = (directory: string): string => join(directory, 'store.db')

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CannotStart(
      4,
      `the data directory ${directory} cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
      'set dataDirectory to a place that this user may write to',
      { cause: error },
    )
  }
}

async function orCannotStart<T>(directory: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new CannotStart(
      4,
      error.shown,
      `the data directory is ${directory}; SALLYPORT_DATA_DIRECTORY sets another`,
      {
        cause: error,
      },
    )
  }
}

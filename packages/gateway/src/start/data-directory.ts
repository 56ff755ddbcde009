import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, type Clock } from '@sallyport/core'
import { openStore, type Store } from '@sallyport/store'
import { CannotStart } from '../cannot-start.ts'

/**
 * The store in the data directory, which is made where it does not exist: for this user alone, as it holds all secrets.
 * @throws CannotStart where it cannot be used, or another gateway uses it
 */
export async function openDataDirectory(directory: string, clock: Clock): Promise<Store> {
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
  try {
    return await openStore({ file: join(directory, 'store.db'), clock })
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

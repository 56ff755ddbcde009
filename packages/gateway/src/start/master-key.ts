import { join } from 'node:path'
import {
  keptRoot,
  masterKeyFromFile,
  parseMasterKey,
  sealAnew,
  SealedBox,
  SealError,
} from '@sallyport/identity'
import type { Store } from '@sallyport/store'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What seals everything secret in the store: under the configured key, or one in the data directory that the first start makes. What is
 * still sealed under the previous key is sealed anew first, by the one process that starts the others.
 * @throws CannotStart
 */
export async function openSealedBox(
  store: Store,
  {
    masterKey,
    previousMasterKey,
    dataDirectory,
  }: Pick<Config, 'masterKey' | 'previousMasterKey' | 'dataDirectory'>,
  environment: Environment,
  isFirst: boolean,
): Promise<SealedBox> {
  const previous =
    previousMasterKey === undefined
      ? undefined
      : await keyAt(previousMasterKey, 'previousMasterKey', environment, false)
  const reference = masterKey ?? `file:${join(dataDirectory, 'master.key')}`
  const key = await keyAt(reference, 'masterKey', environment, true)
  try {
    const box = new SealedBox(key, previous)
    if (previous !== undefined && isFirst) await sealAnew(store, box, previous)
    return new SealedBox(key, previous, await keptRoot(store, box))
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    throw anotherKey(error)
  }
}

export function anotherKey(error: SealError): CannotStart {
  return new CannotStart(
    5,
    `the gateway’s keys cannot be opened: ${error.message}`,
    'start it with the master key that it was last started with, or name that one in previousMasterKey',
    { cause: error },
  )
}

async function keyAt(
  reference: string,
  name: string,
  environment: Environment,
  mayMake: boolean,
): Promise<Buffer> {
  const [from, where] = split(reference)
  try {
    if (from === 'file') return await masterKeyFromFile(where, mayMake)
    return parseMasterKey(environment[where] ?? '', `the environment variable ${where}`)
  } catch (error) {
    throw new CannotStart(
      5,
      `the ${name === 'masterKey' ? 'master key' : 'previous master key'} cannot be used: ${error instanceof Error ? error.message : 'unknown'}`,
      `set ${name} to where it is: file:PATH or env:NAME, 32 bytes in base64 or hex`,
      { cause: error },
    )
  }
}

/** The schema lets nothing else through. */
function split(reference: string): ['file' | 'env', string] {
  const colon = reference.indexOf(':')
  return [reference.slice(0, colon) === 'env' ? 'env' : 'file', reference.slice(colon + 1)]
}

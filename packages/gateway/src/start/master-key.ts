import { join } from 'node:path'
import { masterKeyFromFile, parseMasterKey, SealedBox } from '@sallyport/identity'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'

/**
 * What seals everything secret in the store: under the configured key, or one in the data directory that the first start makes.
 * @throws CannotStart
 */
export async function openSealedBox(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SealedBox> {
  const [from, where] = split(config.masterKey ?? `file:${join(config.dataDirectory, 'master.key')}`)
  try {
    if (from === 'file') return new SealedBox(await masterKeyFromFile(where))
    return new SealedBox(parseMasterKey(environment[where] ?? '', `the environment variable ${where}`))
  } catch (error) {
    throw new CannotStart(
      5,
      `the master key cannot be used: ${error instanceof Error ? error.message : 'unknown'}`,
      'set masterKey to where it is: file:PATH or env:NAME, 32 bytes in base64 or hex',
      { cause: error },
    )
  }
}

/** The schema lets nothing else through. */
function split(reference: string): ['file' | 'env', string] {
  const colon = reference.indexOf(':')
  return [reference.slice(0, colon) === 'env' ? 'env' : 'file', reference.slice(colon + 1)]
}

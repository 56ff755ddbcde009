import { randomBytes } from 'node:crypto'
import { link, open, readFile, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

export const masterKeyBytes = 32

/**
 * Reads a master key from a file, or makes one there at the first start, for its owner alone. It is whole and on disk before anything
 * is sealed with it.
 * @param mayMake false where a key that is not there is a mistake
 * @throws Error that names the file, never what is in it
 */
export async function masterKeyFromFile(path: string, mayMake = true): Promise<Buffer> {
  const found = await textOf(path)
  if (found !== undefined) return parseMasterKey(found, path)
  if (!mayMake) throw new Error(`${path} is not there`)
  const key = randomBytes(masterKeyBytes)
  await writeOnce(path, `${key.toString('base64')}\n`)
  // Where two made one at the same moment, the file says whose it is.
  return parseMasterKey(await readFile(path, 'utf8'), path)
}

/**
 * 32 bytes in base64 or hex.
 * @param where for the error's text, which never quotes the key
 */
export function parseMasterKey(text: string, where: string): Buffer {
  const trimmed = text.trim()
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return Buffer.from(trimmed, 'base64')
  throw new Error(`${where} does not hold a master key: ${masterKeyBytes} bytes in base64 or hex`)
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if (isCode(thrown, 'ENOENT')) return undefined
    throw thrown
  }
}

/** All of it or nothing, and never over a file that is there. */
async function writeOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(8).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
    await link(draft, path)
  } catch (thrown) {
    if (!isCode(thrown, 'EEXIST')) throw thrown
  } finally {
    await file.close()
    await unlink(draft)
  }
  const directory = await open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}

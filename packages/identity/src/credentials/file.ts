import { open, realpath } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { Secret } from '@sallyport/core'

/**
 * The text of a file, without the end of its last line.
 * @throws Error where it is no readable regular file, is empty, larger than 64 KiB, or withheld
 */
export async function fromFile(path: string, withheld: readonly string[]): Promise<Secret> {
  // Links are followed first: a secret mounted by an orchestrator is one, and so could be a way around what is withheld.
  const real = await realpath(path)
  for (const place of withheld)
    if (isWithin(real, await realpath(place).catch(() => place))) throw new Error(`${path} is no credential`)
  const file = await open(real, 'r')
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is not a file`)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
    if (bytesRead > maxBytes) throw new Error(`${path} is larger than ${maxBytes} bytes`)
    const text = buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '')
    if (text === '') throw new Error(`${path} is empty`)
    return new Secret(text)
  } finally {
    await file.close()
  }
}

function isWithin(path: string, place: string): boolean {
  const way = relative(place, path)
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !way.startsWith(sep))
}

const maxBytes = 65_536

import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Passage } from '@sallyport/core'
import { temporaryDirectory, type TemporaryDirectory } from '../../world/temporary.ts'
import type { Run } from './through.ts'

/** The client's files, and the server's. */
export async function place(): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory()
  const { path } = directory
  await mkdir(join(path, 'local/tree/deep'), { recursive: true })
  await mkdir(join(path, 'remote/secret'), { recursive: true })
  await writeFile(join(path, 'local/big'), bytesOf(3_000_001))
  await writeFile(join(path, 'local/half'), bytesOf(1_000_000))
  await writeFile(join(path, 'local/small'), 'small\n')
  await writeFile(join(path, 'local/empty'), '')
  await writeFile(join(path, 'local/tree/a b'), 'a b')
  await writeFile(join(path, 'local/tree/deep/c'), bytesOf(70_000))
  await writeFile(join(path, 'remote/secret/key'), 'secret')
  await symlink('secret', join(path, 'remote/way-in'))
  return directory
}

export function bytesOf(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >> 8)) & 0xff
  return bytes
}

/** Every file below, with its mode and what is in it. */
export async function treeOf(path: string, below = ''): Promise<string[]> {
  const found: string[] = []
  for (const name of (await readdir(join(path, below))).toSorted()) {
    const at = join(below, name)
    const stat = await lstat(join(path, at))
    const content = stat.isSymbolicLink()
      ? await readlink(join(path, at))
      : stat.isFile()
        ? createHash('sha256')
            .update(await readFile(join(path, at)))
            .digest('hex')
        : ''
    found.push(`${at} ${(stat.mode & 0o7777).toString(8)} ${content}`)
    if (stat.isDirectory()) found.push(...(await treeOf(path, at)))
  }
  return found
}

export function treesOf(path: string): Promise<string[][]> {
  return Promise.all(['local', 'remote'].map((side) => treeOf(join(path, side))))
}

export function transfers({ record }: Run): Extract<Passage, { kind: 'transfer' }>[] {
  return record.flatMap(({ note }) => (note?.kind === 'transfer' ? [note] : []))
}

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { masterKeyFromFile, parseMasterKey } from './master-key.ts'

describe('a master key', () => {
  let directory: string
  let path: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-key-'))
    path = join(directory, 'master.key')
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('is made once, for its owner alone, and leaves nothing else behind', async () => {
    const key = await masterKeyFromFile(path)
    expect(key).toHaveLength(32)
    expect(await masterKeyFromFile(path)).toEqual(key)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toBe(`${key.toString('base64')}\n`)
    expect(await readdir(directory)).toEqual(['master.key'])
  })

  test('is one, however many make it at once', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => masterKeyFromFile(path)))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(directory)).toEqual(['master.key'])
  })

  test('is never written over a file that holds something else', async () => {
    await writeFile(path, 'hunter2')
    const failing = masterKeyFromFile(path)
    await expect(failing).rejects.toThrow('does not hold a master key')
    await expect(failing).rejects.not.toThrow('hunter2')
    expect(await readFile(path, 'utf8')).toBe('hunter2')
  })

  test('is 32 bytes in base64 or hex, and nothing else', () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7))
    for (const text of [key.toString('base64'), `${key.toString('base64url')}\n`, key.toString('hex')])
      expect(parseMasterKey(text, 'it')).toEqual(key)
    for (const text of [
      '',
      'x',
      key.toString('hex').slice(2),
      `${key.toString('base64')}AAAA`,
      '!'.repeat(44),
    ])
      expect(() => parseMasterKey(text, 'it')).toThrow('it does not hold a master key')
  })
})

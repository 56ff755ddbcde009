import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf, place, transfers, treeOf, treesOf } from './testing/files.ts'
import { runThrough, type Run } from './testing/through.ts'

const isHere = existsSync('/usr/bin/scp') && existsSync('/usr/lib/openssh/sftp-server')
const sha256 = createHash('sha256').update(bytesOf(3_000_001)).digest('hex')

describe.runIf(isHere).each([
  ['the old protocol', ['-O']],
  ['SFTP', []],
])("OpenSSH's scp by %s", { timeout: 120_000 }, (_name, protocol) => {
  const scp = (path: string, args: readonly string[], plan = {}): Promise<Run> =>
    runThrough(path, plan, (program) => ['/usr/bin/scp', ...protocol, '-S', program, ...args])

  test.each([
    ['a file', ['local/big', 'host:REMOTE/']],
    ['a file by another name', ['local/big', 'host:REMOTE/other']],
    ['several, with their times', ['-p', 'local/big', 'local/empty', 'local/small', 'host:REMOTE']],
    ['a tree', ['-r', '-p', 'local/tree', 'host:REMOTE']],
    ['a tree by another name', ['-r', 'local/tree', 'host:REMOTE/other']],
    ['to nowhere', ['local/big', 'host:REMOTE/no/such']],
    ['a file, back', ['host:REMOTE/secret/key', 'local/']],
    ['a tree, back', ['-r', '-p', 'host:REMOTE/secret', 'local']],
    ['what is not there', ['host:REMOTE/nothing', 'local']],
  ])('%s arrives as it does directly', async (_what, args) => {
    await using directly = await place()
    await using carried = await place()
    const at = (path: string): string[] => args.map((arg) => arg.replace('REMOTE', join(path, 'remote')))
    const expected = await scp(directly.path, at(directly.path), { isDirect: true })
    const got = await scp(carried.path, at(carried.path))
    expect(got.stderr.replaceAll(carried.path, '')).toBe(expected.stderr.replaceAll(directly.path, ''))
    expect(got.code).toBe(expected.code)
    expect(await treesOf(carried.path)).toEqual(await treesOf(directly.path))
    expect(got.record.at(-1)).toEqual({ end: 'target-left' })
    expect(transfers(got).every(({ isWhole }) => isWhole)).toBe(true)
  })

  test('each file is noted, with its size and hash', async () => {
    await using here = await place()
    const { path } = here
    const there = join(path, 'remote/')
    const up = transfers(await scp(path, ['-r', 'local/big', 'local/tree', `host:${there}`]))
    expect(up.map(({ direction, sizeBytes }) => `${direction} ${sizeBytes}`).toSorted()).toEqual([
      'upload 3',
      'upload 3000001',
      'upload 70000',
    ])
    expect(up.map((note) => note.path)).toContain(`${there}tree/deep/c`)
    expect(up.find((note) => note.path === `${there}big`)?.sha256).toBe(sha256)
    const down = transfers(await scp(path, [`host:${there}big`, 'local/back']))
    expect(down).toMatchObject([{ direction: 'download', path: `${there}big`, sizeBytes: 3_000_001, sha256 }])
    expect(await readFile(join(path, 'local/back'))).toEqual(bytesOf(3_000_001))
  })

  test('a refused file does not arrive, the user is told why, and the others do', async () => {
    await using here = await place()
    const { path } = here
    const got = await scp(path, ['-r', 'local/tree', 'local/small', `host:${join(path, 'remote')}/`], {
      refused: '/a b',
    })
    expect(got.code).toBe(1)
    expect(got.stderr).toContain('sallyport: the test refuses this. Ask another test.')
    const names = (await treeOf(join(path, 'remote'))).map((line) => line.split(' ')[0])
    expect(names).toEqual(['secret', 'secret/key', 'small', 'tree', 'tree/deep', 'tree/deep/c', 'way-in'])
    expect(transfers(got).every(({ isWhole }) => isWhole)).toBe(true)
  })
})

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf, place, transfers, treeOf, treesOf } from './testing/files.ts'
import { runThrough, type Run } from './testing/through.ts'

const isHere = existsSync('/usr/bin/sftp') && existsSync('/usr/lib/openssh/sftp-server')

const everything = `
pwd
version
lcd local
cd remote
put big
put -p small "a 'b"
put empty
put -r tree
ls
ls -la
ls -1 tree
mkdir d
mkdir d/e
rename "a 'b" d/x
rename -l d/x d/y
ln -s d/y sym
ln d/y hard
chmod 640 hard
-chmod -h 777 sym
chown -h 0 sym
chown 0 hard
get big back
get -p d/y
get -r tree back-tree
get sym
put half part
reput big part
reget big half
put -f small flushed
cp big copied
-get nothing
-put small nothing/here
-mkdir d
-rmdir d
-cd nothing
rm hard
rm big
rmdir d/e
ls -ln d
cd ..
cd remote/tree/deep/..
pwd
ls ../d/y
bye
`

describe.runIf(isHere)("OpenSSH's sftp", { timeout: 120_000 }, () => {
  const sftp = (path: string, batch: string, plan = {}, options: readonly string[] = []): Promise<Run> =>
    runThrough(path, plan, (program) => ['/usr/bin/sftp', ...options, '-b', '-', '-D', program], batch)

  test('does all that it can through the conversation as it does directly', async () => {
    await using directly = await place()
    await using carried = await place()
    const [direct, through] = [directly.path, carried.path]
    const expected = await sftp(direct, everything, { isDirect: true })
    const got = await sftp(through, everything)
    expect(untimed(got, through)).toEqual(untimed(expected, direct))
    expect(got.code).toBe(0)
    expect(await treesOf(through)).toEqual(await treesOf(direct))
    const noted = transfers(got)
    expect(noted.filter(({ isWhole }) => !isWhole).map(({ path }) => path.replace(through, ''))).toEqual([
      // Resumed, up and down; and copied where it is.
      '/remote/part',
      '/remote/big',
      '/remote/copied',
    ])
    const sha256 = createHash('sha256').update(bytesOf(3_000_001)).digest('hex')
    expect(noted.filter((note) => note.sha256 === sha256).map(({ direction }) => direction)).toEqual([
      'upload',
      'download',
    ])
    expect(got.record.at(-1)).toEqual({ end: 'target-left' })
  })

  test.each([['1'], ['256']])('with %s requests in flight, content and hash are right', async (requests) => {
    await using here = await place()
    const { path } = here
    const got = await sftp(path, 'put local/big remote/big\nget remote/big local/back\n', {}, [
      '-R',
      requests,
    ])
    expect(got.code).toBe(0)
    expect(await readFile(join(path, 'local/back'))).toEqual(bytesOf(3_000_001))
    expect(transfers(got).map(({ isWhole }) => isWhole)).toEqual([true, true])
  })

  test('a way in by a symbolic link is no way in, and the user is told why', async () => {
    await using here = await place()
    const { path } = here
    const batch = [
      '-get remote/secret/key local/k1',
      '-get remote/way-in/key local/k2',
      '-get remote/way-in/../secret/./key local/k3',
      '-put local/small remote/way-in/new',
      '-rename remote/way-in/key remote/mine',
      '-ln remote/way-in/key remote/mine',
      '-rm remote/way-in/key',
      '-mkdir remote/way-in/d',
      '-ls remote/way-in',
      '-chmod 777 remote/way-in/key',
      '-symlink secret/key remote/later',
      'put local/small remote/fine',
    ]
    const before = await treeOf(join(path, 'remote'))
    const got = await sftp(path, batch.join('\n'), { refused: '/secret' })
    expect(got.code).toBe(0)
    const after = await treeOf(join(path, 'remote'))
    expect(after.filter((line) => !before.includes(line))).toEqual([
      expect.stringMatching(/^fine /) as string,
    ])
    expect(before.filter((line) => !after.includes(line))).toEqual([])
    expect(got.stderr).toContain('sallyport: the test refuses this. Ask another test.')
    expect(got.stderr).toContain('Permission denied')
  })

  test('names that are no text pass as they are', async () => {
    await using here = await place()
    const { path } = here
    const name = Buffer.from('caf\xe9', 'latin1')
    const batch = Buffer.concat([Buffer.from('put local/small remote/'), name, Buffer.from('\n')])
    const got = await sftp(path, batch.toString('latin1'))
    expect(got.code).toBe(0)
    const names = await readdir(join(path, 'remote'), { encoding: 'buffer' })
    expect(names.some((it) => it.equals(name))).toBe(true)
    expect(transfers(got)[0]?.path).toBe(join(path, 'remote/caf⟨E9⟩'))
  })

  test('a file that may not be read at the target fails as it does there, and is recorded so', async () => {
    await using here = await place()
    const { path } = here
    await mkdir(join(path, 'remote/directory'))
    const got = await sftp(path, '-rm remote/directory\n-get remote/none local/none\n')
    const failed = got.record.flatMap(({ outcome }) =>
      outcome?.status === 'failed' ? [outcome.errorCode] : [],
    )
    expect(failed).toContain('SSH_FX_FAILURE')
    expect(failed).toContain('SSH_FX_NO_SUCH_FILE')
  })
})

/** What differs between two runs of the same: where, and when. */
function untimed({ stdout, stderr }: Run, path: string): string[] {
  return `${stdout}${stderr}`
    .replaceAll(path, '')
    .replaceAll(/\w{3} +\d+ \d\d:\d\d/g, 'TIME')
    .split('\n')
    .toSorted()
}

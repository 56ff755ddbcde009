import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, isInstalled, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { run, type Finished } from '../world/process.ts'
import { startSallyport, unrestricted, type Sallyport } from '../world/sallyport.ts'

const policies = `
@id("readers")
permit (principal in Group::"readers", action in [Action::"connect", Action::"list", Action::"download"], resource);
`

describe.skipIf(!hasSshd)('files over ssh', () => {
  let server: Sshd
  let sallyport: Sallyport
  let client: SshClient
  /** May look, and take, and nothing else. */
  let reader: SshClient
  let here: string
  let there: string

  beforeAll(async () => {
    server = await startSshd()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declareSshd(sallyport, server)
    await sallyport.apply(unrestricted, { kind: 'Policy', name: 'access', text: policies })
    client = await SshClient.of(sallyport, await sallyport.person('alice', ['unrestricted']))
    reader = await SshClient.of(sallyport, await sallyport.person('bob', ['readers']))
    here = join(sallyport.directory, 'here')
    there = join(server.directory, 'there')
    await mkdir(here)
    await mkdir(there)
    await writeFile(join(here, 'one'), Buffer.alloc(3_000_000, 'one and '))
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const as = (who: SshClient, program: string, args: readonly string[], input = ''): Promise<Finished> =>
    run(program, args, { environment: who.environment, input })
  const same = async (a: string, b: string): Promise<void> =>
    expect((await readFile(a)).equals(await readFile(b))).toBe(true)

  test('sftp puts, lists, gets, renames and removes', async () => {
    const batch = [
      `put ${join(here, 'one')} ${there}/one`,
      `ls -l ${there}`,
      `rename ${there}/one ${there}/two`,
      `mkdir ${there}/sub`,
      `symlink ${there}/two ${there}/sub/link`,
      `chmod 600 ${there}/two`,
      `get ${there}/sub/link ${here}/back`,
      `rm ${there}/sub/link`,
      `rmdir ${there}/sub`,
    ].join('\n')
    const done = await as(
      client,
      'sftp',
      ['-o', 'BatchMode=no', '-F', client.configFile, '-b', '-', 'web@gateway'],
      `${batch}\n`,
    )
    expect(done).toMatchObject({ code: 0 })
    await same(join(here, 'one'), join(here, 'back'))
  })

  test('sftp does only what policy permits, and says what it does not', async () => {
    const get = await as(
      reader,
      'sftp',
      ['-o', 'BatchMode=no', '-F', reader.configFile, '-b', '-', 'web@gateway'],
      `get ${there}/two ${here}/got\n`,
    )
    expect(get).toMatchObject({ code: 0 })
    await same(join(here, 'one'), join(here, 'got'))
    const put = await as(
      reader,
      'sftp',
      ['-o', 'BatchMode=no', '-F', reader.configFile, '-b', '-', 'web@gateway'],
      `put ${here}/one ${there}/evil\n`,
    )
    expect(put.code).not.toBe(0)
    expect(put.stderr).toContain('sallyport: ')
    expect((await run('test', ['-e', join(there, 'evil')])).code).toBe(1)
  })

  test.each([
    ['as it is now', [] as string[]],
    ['as it was', ['-O']],
  ])('scp %s', async (_how, flags) => {
    const name = `scp${flags.join('')}`
    const up = await as(client, 'scp', [
      ...flags,
      '-F',
      client.configFile,
      join(here, 'one'),
      `web@gateway:${there}/${name}`,
    ])
    expect(up).toMatchObject({ code: 0 })
    const down = await as(client, 'scp', [
      ...flags,
      '-F',
      client.configFile,
      `web@gateway:${there}/${name}`,
      join(here, name),
    ])
    expect(down).toMatchObject({ code: 0 })
    await same(join(here, 'one'), join(here, name))
    const refused = await as(reader, 'scp', [
      ...flags,
      '-F',
      reader.configFile,
      join(here, 'one'),
      `web@gateway:${there}/evil`,
    ])
    expect(refused.code).not.toBe(0)
    expect((await run('test', ['-e', join(there, 'evil')])).code).toBe(1)
  })

  test.skipIf(!isInstalled('rsync'))('rsync of a tree, where its reader may take and not put', async () => {
    for (let i = 0; i < 20; i++) await writeFile(join(here, `file ${i}`), `content ${i}`.repeat(i * 100))
    const rsync = (who: SshClient, from: string, to: string) =>
      as(who, 'rsync', ['-a', '--delete', '-e', `ssh -F ${who.configFile}`, from, to])
    expect(await rsync(client, `${here}/`, `web@gateway:${there}/tree/`)).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await rsync(reader, `web@gateway:${there}/tree/`, `${here}2/`)).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect((await run('diff', ['-r', here, `${here}2`])).stdout).toBe('')
    const refused = await rsync(reader, `${here}/`, `web@gateway:${there}/tree/`)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('sallyport: ')
  })

  test.skipIf(!isInstalled('git'))('git clones and pushes, where policy permits it', async () => {
    const git = (who: SshClient, ...args: string[]) =>
      run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
        environment: { ...who.environment, GIT_SSH_COMMAND: `ssh -F ${who.configFile}` },
      })
    await run('git', ['init', '-q', '--bare', join(there, 'repo.git')])
    const hook = join(there, 'repo.git', 'hooks', 'post-receive')
    await writeFile(hook, '#!/bin/sh\necho the hook ran\n', { mode: 0o755 })
    const clone = join(sallyport.directory, 'clone')
    expect(await git(client, 'clone', '-q', `web@gateway:${there}/repo.git`, clone)).toMatchObject({
      code: 0,
    })
    await writeFile(join(clone, 'file'), 'content')
    await git(client, '-C', clone, 'add', 'file')
    await git(client, '-C', clone, 'commit', '-q', '-m', 'first')
    const put = await git(client, '-C', clone, 'push', '-q', 'origin', 'HEAD:main')
    expect(put).toMatchObject({ code: 0, stderr: expect.stringContaining('the hook ran') as string })
    const fetched = await git(reader, '-C', clone, 'fetch', 'origin')
    expect(fetched).toMatchObject({ code: 0 })
    const pushed = await git(reader, '-C', clone, 'push', 'origin', 'HEAD:other')
    expect(pushed.code).not.toBe(0)
    expect(pushed.stderr).toContain('sallyport: ')
  })

  test('files are in the recording by name, size and hash, and nothing of what is in them', async () => {
    const { items } = await sallyport.admin.client.sessions.list({ user: 'alice', limit: 100 })
    const transfers: unknown[] = []
    const outputs: string[] = []
    for (const { id } of items)
      for await (const event of sallyport.admin.client.sessions.events({ id })) {
        const { kind, text, base64 } = event as { kind: string; text?: string; base64?: string }
        if (kind === 'transfer') transfers.push(event)
        if (kind === 'output') outputs.push(text ?? Buffer.from(base64 ?? '', 'base64').toString('latin1'))
      }
    // What a push runs is a command: what git and its hooks say is there, and none of the files.
    expect(outputs.join('').includes('the hook ran')).toBe(isInstalled('git'))
    expect(outputs.join('')).not.toContain('content')
    expect(transfers).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          direction: 'upload',
          sizeBytes: 3_000_000,
          isWhole: true,
          sha256: expect.any(String) as string,
        }),
      ]),
    )
  })
})

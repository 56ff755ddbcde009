import { execFile } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generatePrivateKey, keyLine, parseKeyText } from '@sallyport/openssh'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password, sallyport, startAskedGateway, type AskedGateway } from './testing/commands.ts'

const sshKeygen = (...args: readonly string[]): Promise<{ stdout: string }> =>
  promisify(execFile)('ssh-keygen', args)

describe('SSH keys at the command line', () => {
  let asked: AskedGateway
  let signIn: () => ReturnType<typeof sallyport>
  const inState = (name: string): string => join(asked.root['SALLYPORT_STATE_HOME'] ?? '', name)
  beforeAll(async () => {
    asked = await startAskedGateway()
    const { gateway, root } = asked
    const fingerprint = gateway.authority!.fingerprint
    const setUp = ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint]
    await sallyport(setUp, root, password)
    signIn = () => sallyport(['login', '--user', 'root', '--json'], root, password)
  }, 60_000)
  afterAll(() => asked[Symbol.asyncDispose]())

  test('are added, listed and removed', async () => {
    const { directory, root } = asked
    const key = generatePrivateKey('root@laptop')
    const file = join(directory, 'id_ed25519')
    await writeFile(file, key.toOpenSsh().reveal())
    await writeFile(`${file}.pub`, `${keyLine(key.publicKey.blob, key.comment)}\n`)
    const added = await sallyport(['keys', 'add', `${file}.pub`], root)
    expect(added.out).toMatch(/^key_\w+: SHA256:\S+, good for 89 d|^key_\w+: SHA256:\S+, good for 90 d/)
    const [id = ''] = /key_\w+/.exec(added.out) ?? []
    for (const list of [['keys'], ['keys', 'list'], ['keys', 'ls', '--all']])
      expect((await sallyport(list, root)).out).toMatch(
        new RegExp(`^${id} +root +root@laptop +ssh-ed25519 +SHA256:\\S+ +in .* +never$`, 'm'),
      )
    expect(JSON.parse((await sallyport(['keys', '--json'], root)).out)).toMatchObject([{ id, user: 'root' }])
    expect(await sallyport(['keys', 'remove', id], root)).toMatchObject({ code: 0 })
    expect((await sallyport(['keys'], root)).out).toBe('No keys.\n')
    const shorter = ['keys', 'add', `${file}.pub`, '--expires', '12h', '--label', 'mine', '--json']
    const again = JSON.parse((await sallyport(shorter, root)).out) as Record<string, string>
    expect(again['label']).toBe('mine')
    const lastsMs = Date.parse(again['expiresAt']!) - Date.parse(again['createdAt']!)
    expect(Math.round(lastsMs / 1000)).toBe(12 * 3600)
  })

  test('that are private never leave the machine', async () => {
    const file = join(asked.directory, 'private')
    const text = generatePrivateKey().toOpenSsh().reveal()
    await writeFile(file, text)
    const { code, err } = await sallyport(['keys', 'add', file], asked.root)
    expect({ code, err }).toEqual({
      code: 2,
      err: `error: ${file} is a private key, and stays where it is\n  next: sallyport keys add ${file}.pub\n`,
    })
  })

  test('of the gateway’s authorities are printed as sshd takes them', async () => {
    const targets = await sallyport(['keys', 'authority'], asked.root)
    const users = await sallyport(['keys', 'authority', '--of', 'users'], asked.root)
    expect(parseKeyText(targets.out).comment).toBe('sallyport: targets')
    expect(parseKeyText(users.out).comment).toBe('sallyport: users')
    expect(await sallyport(['keys', 'authority', '--of', 'all'], asked.root)).toMatchObject({ code: 2 })
  })

  test('come with each sign-in, with a certificate, for their owner alone; and go with it', async () => {
    const { ssh } = JSON.parse((await signIn()).out) as { ssh: Record<string, string> }
    expect(ssh).toEqual({ identityFile: inState('ssh-key'), certificateFile: inState('ssh-key-cert.pub') })
    const { identityFile = '', certificateFile = '' } = ssh
    for (const file of [identityFile, certificateFile]) expect((await stat(file)).mode & 0o777).toBe(0o600)
    const { stdout: publicKey } = await sshKeygen('-y', '-f', identityFile)
    const { stdout: said } = await sshKeygen('-L', '-f', certificateFile)
    const { stdout: of } = await sshKeygen('-l', '-f', identityFile)
    expect(said).toContain(`ED25519-CERT ${of.split(' ')[1]}`)
    expect(said).toMatch(/Key ID: "tok_\w+"/)
    expect(said).toMatch(/Principals: \n +user:root\n/)
    await signIn()
    expect((await sshKeygen('-y', '-f', identityFile)).stdout).not.toBe(publicKey)
    expect(await readFile(certificateFile, 'utf8')).not.toBe('')
    expect(await sallyport(['logout'], asked.root)).toMatchObject({ code: 0 })
    for (const file of [identityFile, certificateFile])
      await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
    await signIn()
  })
})

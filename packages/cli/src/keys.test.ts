import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { generatePrivateKey, keyLine, parseKeyText } from '@sallyport/openssh'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signedElsewhere, signWithKey } from './key-signature.ts'
import { run } from './program.ts'
import { password, sallyport, startAskedGateway, type AskedGateway } from './testing/commands.ts'

const sshKeygen = (...args: readonly string[]): Promise<{ stdout: string }> =>
  promisify(execFile)('ssh-keygen', args)

/** An agent without keys. */
async function startAgent(
  socket: string,
): Promise<{ environment: Record<string, string> } & AsyncDisposable> {
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(agent.stdout, 'data')
  return {
    environment: { SSH_AUTH_SOCK: socket },
    async [Symbol.asyncDispose]() {
      agent.kill()
      await once(agent, 'exit')
    },
  }
}

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
    await writeFile(file, key.toOpenSsh().reveal(), { mode: 0o600 })
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

  describe('that are added prove themselves', () => {
    const made = async (name: string, ...options: string[]): Promise<string> => {
      const file = join(asked.directory, name)
      await sshKeygen('-q', '-N', '', '-C', name, '-f', file, ...options)
      return file
    }

    test.each([
      ['ed25519'],
      ['ecdsa', '-b', '256'],
      ['ecdsa', '-b', '384'],
      ['ecdsa', '-b', '521'],
      ['rsa', '-b', '2048'],
    ])('by a file of type %s %s %s', async (...options) => {
      const file = await made(options.join(''), '-t', ...options)
      expect(await sallyport(['keys', 'add', `${file}.pub`], asked.root)).toMatchObject({ code: 0 })
    })

    test('by an agent that has the key, where no file has', async () => {
      const file = await made('in-agent', '-t', 'ed25519')
      await using agent = await startAgent(join(asked.directory, 'agent'))
      await promisify(execFile)('ssh-add', ['-q', file], { env: { ...process.env, ...agent.environment } })
      await rm(file)
      const adding = ['keys', 'add', `${file}.pub`]
      expect(await sallyport(adding, { ...asked.root, ...agent.environment })).toMatchObject({ code: 0 })
    })

    test('by a file with a passphrase, which is asked for at the terminal', async () => {
      const file = join(asked.directory, 'with-passphrase')
      await sshKeygen('-q', '-N', 'a long passphrase', '-f', file, '-t', 'ed25519')
      const main = new URL('main.ts', import.meta.url).pathname
      // `script` gives it a terminal.
      const adding = spawn(
        'script',
        ['-qec', `${process.execPath} ${main} keys add ${file}.pub`, '/dev/null'],
        {
          env: { PATH: process.env['PATH'], HOME: asked.directory, ...asked.root },
        },
      )
      let shown = ''
      let isTyped = false
      adding.stdout.on('data', (piece: Buffer) => {
        shown += piece.toString()
        if (isTyped || !shown.includes('Enter passphrase')) return
        isTyped = true
        adding.stdin.write('a long passphrase\n')
      })
      const [code] = (await once(adding, 'close')) as [number]
      expect({ code, shown }).toMatchObject({
        code: 0,
        shown: expect.stringMatching(/Enter passphrase[^]*key_\w+: SHA256:/),
      })
    })

    test('and are told where their private half could not be found', async () => {
      const file = await made('lost', '-t', 'ed25519')
      await rm(file)
      const { code, err } = await sallyport(['keys', 'add', `${file}.pub`], {
        ...asked.root,
        SSH_AUTH_SOCK: '',
      })
      expect(code).toBe(1)
      expect(err).toMatch(
        /^error: the key did not sign: .+\n  next: its private half must be at hand: beside /,
      )
    })

    test('and are told where OpenSSH is missing', async () => {
      const file = await made('no-openssh', '-t', 'ed25519')
      const { code, err } = await sallyport(['keys', 'add', `${file}.pub`], {
        ...asked.root,
        PATH: '/nowhere',
      })
      expect({ code, err }).toMatchObject({
        code: 1,
        err: expect.stringContaining('ssh-keygen is not there'),
      })
    })

    test('elsewhere, by a command that is printed, and a signature that is read', async () => {
      const file = await made('elsewhere', '-t', 'ed25519')
      const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()]
      const surroundings = { environment: asked.root, signals: process, now: () => Date.now() }
      const running = run(['keys', 'add', `${file}.pub`, '--elsewhere'], {
        ...surroundings,
        input,
        output,
        errors,
      })
      const [said] = (await once(errors, 'data')) as [Buffer]
      const [, command = ''] = /^ {2}(printf .*) KEY$/m.exec(said.toString()) ?? []
      const { stdout } = await promisify(execFile)('sh', ['-c', `${command} ${file}`])
      input.write(`some words\n${stdout}`)
      expect(await running).toBe(0)
      expect(String(output.read())).toMatch(/^key_/)
    })

    test.each([
      ['names another gateway', 'gateway: https://other.example:8443\nuser: root'],
      ['names none', 'user: root'],
      ['would be more than words to a shell', "gateway: https://gateway.example:8443\nuser: '; rm -rf ~'"],
    ])('and sign nothing that %s', async (_, message) => {
      const { input, output, errors } = {
        input: new PassThrough(),
        output: new PassThrough(),
        errors: new PassThrough(),
      }
      const surroundings = { environment: {}, input, output, errors, signals: process, now: () => 0 }
      const toSign = { file: 'k.pub', message, namespace: 'n', gateway: 'https://gateway.example:8443' }
      for (const sign of [signWithKey, signedElsewhere])
        await expect(sign(surroundings, toSign)).rejects.toThrow('asks to sign something for another gateway')
    })

    test('and not by something that is no signature', async () => {
      const file = await made('not-signed', '-t', 'ed25519')
      const adding = ['keys', 'add', `${file}.pub`, '--elsewhere']
      expect(await sallyport(adding, asked.root, 'no\n')).toMatchObject({
        code: 2,
        err: expect.stringContaining('that was no signature'),
      })
    })
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

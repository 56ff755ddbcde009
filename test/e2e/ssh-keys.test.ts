import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generatePrivateKey, keyLine, type PrivateKey } from '../../packages/openssh/src/index.ts'
import { signedBy } from '../../packages/openssh/src/testing/index.ts'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { startSallyport, unrestricted, type Person, type Sallyport } from '../world/sallyport.ts'

describe.skipIf(!hasSshd).each([1, 2])('ssh keys, with %s processes that carry traffic', (processes) => {
  let server: Sshd
  let sallyport: Sallyport
  let trusting: Sshd
  let alice: Person
  let client: SshClient
  beforeAll(async () => {
    server = await startSshd()
    const authority = join(server.directory, 'targets.pub')
    trusting = await startSshd({ TrustedUserCAKeys: authority, AuthorizedKeysFile: 'none' })
    const allow = [server, trusting].map(({ port }) => `127.0.0.1:${port}`)
    sallyport = await startSallyport({ processes, allow })
    await declareSshd(sallyport, server)
    await sallyport.apply(unrestricted)
    alice = await sallyport.person('alice', ['unrestricted'])
    client = await SshClient.of(sallyport, alice)
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await trusting?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const withKey = (file: string): string[] => [
    '-i',
    file,
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    'PreferredAuthentications=publickey',
  ]

  async function freshKey(name: string): Promise<{ file: string; key: PrivateKey; publicKey: string }> {
    const key = generatePrivateKey(name)
    const file = join(sallyport.directory, name)
    await writeFile(file, key.toOpenSsh().reveal(), { mode: 0o600 })
    return { file, key, publicKey: keyLine(key.publicKey.blob, name) }
  }

  test('a registered key lets its owner in, until it is removed, which ends what it opened', async () => {
    const { file, key, publicKey } = await freshKey('registered')
    const flags = withKey(file)
    expect(await client.ssh('web', ['true'], { flags })).toMatchObject({ code: 255 })
    const { challenge, message, namespace } = await alice.client.keys.challenge()
    const signature = signedBy(key, namespace, message)
    const { id } = await alice.client.keys.add({ publicKey, challenge, signature })
    expect(await client.ssh('web', ['echo in'], { flags })).toMatchObject({ code: 0, stdout: 'in\n' })
    const running = await client.start('web', ['echo on; sleep 60'], flags)
    await running.line(/on/)
    await alice.client.keys.remove({ id })
    await running.exited
    expect(await client.ssh('web', ['true'], { flags })).toMatchObject({ code: 255 })
  })

  test('a certificate lets its owner in, until its token is revoked', async () => {
    const { file, publicKey } = await freshKey('certified')
    const person = await sallyport.person('carol', ['unrestricted'])
    const { certificate } = await person.client.keys.certify({ publicKey })
    await writeFile(`${file}-cert.pub`, `${certificate}\n`)
    const flags = withKey(file)
    expect(await client.ssh('web', ['echo in'], { flags })).toMatchObject({ code: 0, stdout: 'in\n' })
    await person.client.whoami.logout()
    expect(await client.ssh('web', ['true'], { flags })).toMatchObject({ code: 255 })
  })

  test('a target that trusts the gateway’s authority is logged in to with nothing kept', async () => {
    const { targets } = await alice.client.gateway.sshAuthorities()
    await writeFile(join(server.directory, 'targets.pub'), `${targets.publicKey}\n`)
    await declareSshd(sallyport, trusting, {
      name: 'trusting',
      accounts: [{ name: trusting.user, credential: { from: 'certificate' } }],
    })
    expect(await client.ssh('trusting', ['echo in'])).toMatchObject({ code: 0, stdout: 'in\n' })
    expect(trusting.log).toMatch(
      /Accepted publickey for .* ED25519-CERT SHA256:\S+ ID ses_\w+ \(serial \d+\) CA ED25519/,
    )
  })
})

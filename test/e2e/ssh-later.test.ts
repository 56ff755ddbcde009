import { expect, test } from 'vitest'
import { findLaterSshd, startLaterSshd } from '../world/later-sshd.ts'
import { declareSshd, SshClient } from '../world/openssh.ts'
import { startSallyport, unrestricted } from '../world/sallyport.ts'

const later = findLaterSshd()

test.skipIf(later === undefined)(
  'a target that exchanges keys by ML-KEM alone, as OpenSSH has done since 9.9, is reached',
  async () => {
    if (later === undefined) return
    await using target = await startLaterSshd(later, {
      KexAlgorithms: 'mlkem768x25519-sha256',
      LogLevel: 'DEBUG1',
    })
    await using sallyport = await startSallyport({ allow: [`127.0.0.1:${target.port}`] })
    await declareSshd(sallyport, target)
    await sallyport.apply(unrestricted)
    const client = await SshClient.of(sallyport, await sallyport.person('alice', ['unrestricted']))
    expect(await client.ssh('web', ['echo in; exit 3'])).toMatchObject({ code: 3, stdout: 'in\n' })
    expect(target.log).toContain('kex: algorithm: mlkem768x25519-sha256')
  },
)

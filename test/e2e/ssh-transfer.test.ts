import { createReadStream } from 'node:fs'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { startSallyport, unrestricted, type Sallyport } from '../world/sallyport.ts'

const mebibyte = 1024 * 1024

describe.skipIf(!hasSshd)('much over ssh', () => {
  let server: Sshd
  let sallyport: Sallyport
  let client: SshClient
  let large: string

  beforeAll(async () => {
    server = await startSshd()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`] })
    await declareSshd(sallyport, server)
    await sallyport.apply(unrestricted)
    client = await SshClient.of(sallyport, await sallyport.person('alice', ['unrestricted']))
    large = join(server.directory, 'large')
    await writeFile(large, '')
    await truncate(large, 200 * mebibyte)
  })
  afterAll(async () => {
    await rm(large, { force: true })
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  /** Resident, in MiB. */
  const memoryOf = async (pid: number): Promise<number> =>
    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

  const ssh = (command: string) =>
    spawn('ssh', ['-F', client.configFile, '-l', 'web', 'gateway', command], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: client.environment,
    })

  test('200 MiB pass both ways, and the gateway keeps none of it', async () => {
    const before = await memoryOf(sallyport.gateway.pid)
    const down = ssh(`cat ${large}`)
    let heard = 0
    down.stdout.on('data', (bytes: Buffer) => (heard += bytes.length))
    down.stdin.end()
    await once(down, 'close')
    expect(heard).toBe(200 * mebibyte)
    const up = ssh('wc -c')
    let counted = ''
    up.stdout.on('data', (bytes: Buffer) => (counted += bytes.toString()))
    createReadStream(large).pipe(up.stdin)
    await once(up, 'close')
    expect(Number(counted)).toBe(200 * mebibyte)
    expect((await memoryOf(sallyport.gateway.pid)) - before).toBeLessThan(150)
  })

  test('a client that does not read makes the target wait', async () => {
    const before = await memoryOf(sallyport.gateway.pid)
    const slow = ssh(`cat ${large}; echo done >&2`)
    await pause(3000)
    expect((await memoryOf(sallyport.gateway.pid)) - before).toBeLessThan(60)
    let heard = 0
    slow.stdout.on('data', (bytes: Buffer) => (heard += bytes.length))
    await once(slow, 'close')
    expect(heard).toBe(200 * mebibyte)
  })

  test('an agent that dies in the middle ends the session in words', async () => {
    await using cat = await client.start('web', ['echo begun; sleep 60'])
    await cat.line(/^begun$/)
    await sallyport.agent.kill()
    await cat.line(/^sallyport: /)
    expect(await cat.exited).toMatchObject({ code: 255 })
    await sallyport.startAgent()
    expect((await client.ssh('web', ['true'])).code).toBe(0)
  })
})

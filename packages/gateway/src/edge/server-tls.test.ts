import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@sallyport/core/testing'
import { createAuthority, loadAuthority } from '@sallyport/identity'
import { expect, test } from 'vitest'
import { CannotStart } from '../cannot-start.ts'
import { parseConfig } from '../config/load.ts'
import { serverNames, ServerTls } from './server-tls.ts'

const dayMs = 24 * 3_600_000

async function world(text: string) {
  const clock = new FakeClock()
  const authority = await loadAuthority(await createAuthority({ name: 'test', clock }), clock)
  const renewed: string[] = []
  const { config } = parseConfig({ name: 'gateway.yaml', text, environment: {}, protocols: [] })
  const open = () =>
    ServerTls.open({
      names: serverNames(config),
      ...(config.tls.certificate === undefined || config.tls.key === undefined
        ? {}
        : { files: { certificate: config.tls.certificate, key: config.tls.key } }),
      authority,
      clock,
      onRenewed: ({ cert }) => renewed.push(cert),
      onTrouble: (error) => {
        throw error
      },
    })
  return { clock, authority, renewed, open }
}

test('our own certificate has the configured names, this machine’s, and our authority’s after it', async () => {
  const { authority, open } = await world(
    'publicHost: gateway.example\ntls:\n  names: [other.example, 10.0.0.1]\n',
  )
  using tls = await open()
  const certificate = new X509Certificate(tls.pair.cert)
  for (const name of ['gateway.example', 'other.example', 'localhost'])
    expect(certificate.checkHost(name)).toBe(name)
  for (const address of ['10.0.0.1', '127.0.0.1', '::1']) expect(certificate.checkIP(address)).toBeDefined()
  expect(tls.pair.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
})

test('it is replaced when a third of its life is left, and not before', async () => {
  const { clock, renewed, open } = await world('')
  using tls = await open()
  const { cert } = tls.pair
  const { context } = tls
  clock.advance(59 * dayMs)
  await tls.lookAfter()
  expect(renewed).toEqual([])
  clock.advance(2 * dayMs)
  await tls.lookAfter()
  expect(renewed).toEqual([tls.pair.cert])
  expect(tls.pair.cert).not.toBe(cert)
  expect(tls.context).not.toBe(context)
  expect(tls.notAfterMs).toBeGreaterThan(clock.now() + 89 * dayMs)
})

test('files are read again when they change, and complained of when they do not fit', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-tls-'))
  try {
    const [certificate, key] = [join(folder, 'a.pem'), join(folder, 'a.key')]
    const { authority, renewed, open } = await world(`tls:\n  certificate: ${certificate}\n  key: ${key}\n`)
    const missing = await open().catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(CannotStart)
    expect(missing).toMatchObject({ exitCode: 5, message: expect.stringContaining('no such file') })

    const put = async (names: string[]) => {
      const issued = await authority.issueServerCertificate({ names })
      await writeFile(certificate, issued.certificate)
      await writeFile(key, issued.privateKey.reveal())
    }
    await put(['one.example'])
    using tls = await open()
    await tls.lookAfter()
    expect(renewed).toEqual([])
    await put(['two.example'])
    await tls.lookAfter()
    expect(new X509Certificate(tls.pair.cert).checkHost('two.example')).toBe('two.example')
    expect(renewed).toHaveLength(1)

    await writeFile(
      certificate,
      (await authority.issueServerCertificate({ names: ['three.example'] })).certificate,
    )
    await expect(tls.lookAfter()).rejects.toThrow('mismatch')
    expect(new X509Certificate(tls.pair.cert).checkHost('two.example')).toBe('two.example')
    await expect(open()).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringContaining('tls.certificate'),
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})

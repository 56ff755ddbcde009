import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { alice } from '@sallyport/core/testing'
import { SealedBox, SealError } from '../sealed-box.ts'
import { identityFixture } from '../testing/fixtures.ts'
import { ClientAuthorities } from './clients.ts'

const box = new SealedBox(Buffer.alloc(32, 7))

async function issuerOf(authorities: ClientAuthorities): Promise<string | undefined> {
  const { clientCertificate } = await authorities.issue('app_ro', 'ses_1')
  const certificate = new X509Certificate(clientCertificate!.chain)
  const views = await authorities.list()
  return views.find((view) => certificate.verify(new X509Certificate(view.certificate).publicKey))
    ?.fingerprint
}

test('a certificate for a log-in is for its account and session, for 5 minutes, and another each time', async () => {
  await using it = await identityFixture()
  using authorities = await ClientAuthorities.open(it.store, box, it.clock)
  const { user, password, clientCertificate } = await authorities.issue('app_ro', 'ses_1')
  expect([user, password]).toEqual(['app_ro', undefined])
  const certificate = new X509Certificate(clientCertificate!.chain)
  expect(certificate.subject).toBe('CN=app_ro')
  expect(certificate.subjectAltName).toBe('URI:spiffe://sallyport/session/ses_1')
  expect(certificate.validToDate.getTime() - it.clock.now()).toBe(5 * 60_000)
  const again = await authorities.issue('app_ro', 'ses_1')
  expect(again.clientCertificate!.privateKey.reveal()).not.toBe(clientCertificate!.privateKey.reveal())
})

test('one authority takes the place of another while targets trust both, and it can be taken back', async () => {
  await using it = await identityFixture()
  using authorities = await ClientAuthorities.open(it.store, box, it.clock)
  // Another process of the gateway, which reads the same store.
  using elsewhere = await ClientAuthorities.open(it.store, box, it.clock)
  const [first] = await authorities.list()
  expect(await authorities.switch(alice)).toBe(false)
  expect(await authorities.retire(alice)).toBe(false)

  expect(await authorities.prepare(alice)).toBe(true)
  expect(await authorities.prepare(alice)).toBe(false)
  const [, second] = await authorities.list()
  expect((await authorities.list()).map(({ signs }) => signs)).toEqual([true, false])
  expect(await issuerOf(elsewhere)).toBe(first!.fingerprint)

  expect(await authorities.switch(alice)).toBe(true)
  expect(await issuerOf(elsewhere)).toBe(second!.fingerprint)
  expect(await authorities.switch(alice)).toBe(true)
  expect(await issuerOf(elsewhere)).toBe(first!.fingerprint)

  await authorities.switch(alice)
  expect(await authorities.retire(alice)).toBe(true)
  expect(await elsewhere.list()).toMatchObject([{ fingerprint: second!.fingerprint, signs: true }])
  expect(await issuerOf(elsewhere)).toBe(second!.fingerprint)
})

test('the authorities outlive the gateway, and are opened by its key alone', async () => {
  await using it = await identityFixture()
  using before = await ClientAuthorities.open(it.store, box, it.clock)
  using after = await ClientAuthorities.open(it.store, box, it.clock)
  expect(await after.list()).toEqual(await before.list())
  const sealed = await it.store.read.settings.get('client-authorities')
  expect(Buffer.from(sealed!).includes('PRIVATE KEY')).toBe(false)
  const other = new SealedBox(Buffer.alloc(32, 8))
  await expect(ClientAuthorities.open(it.store, other, it.clock)).rejects.toThrow(SealError)
})

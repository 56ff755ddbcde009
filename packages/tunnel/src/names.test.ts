import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { certificateRequestFor, newKey } from './enrolment/request.ts'
import { agentUri, gatewayUri, identityOf, isGateway, isName } from './names.ts'
import { testAuthority } from './testing/index.ts'

const id = '0191d3d1-0000-7000-8000-000000000001'

async function certificateFor(uri: string): Promise<X509Certificate> {
  const authority = await testAuthority()
  const issued = await authority.issueAgentCertificate({
    certificateRequest: await certificateRequestFor(newKey()),
    uri,
  })
  return new X509Certificate(issued?.certificate ?? '')
}

test('an agent is known by the one name in its certificate', async () => {
  const certificate = await certificateFor(agentUri('shop.eu-1', id))
  expect(identityOf(certificate)).toMatchObject({ id, pool: 'shop.eu-1' })
  expect(identityOf(certificate)?.notAfterMs).toBe(certificate.validToDate.getTime())
})

test.for([
  gatewayUri,
  `spiffe://sallyport/agent/shop/${id}/more`,
  `spiffe://sallyport/agent/a/b/${id}`,
  `spiffe://sallyport/agent//${id}`,
  `spiffe://other/agent/shop/${id}`,
  `https://sallyport/agent/shop/${id}`,
  'spiffe://sallyport/agent/shop/1',
  `spiffe://sallyport/agent/shop/${id.toUpperCase().replace('0', 'F')}`,
  `spiffe://sallyport/agent/sh%2Fop/${id}`,
  `x, URI:spiffe://sallyport/agent/shop/${id}`,
  `spiffe://sallyport/agent/shop/${id}, URI:x`,
])('%s names no agent', async (uri) => {
  expect(identityOf(await certificateFor(uri))).toBeUndefined()
})

test('a gateway is known by its name among others', () => {
  expect(isGateway(`DNS:gateway.example, URI:${gatewayUri}, IP Address:10.0.0.1`)).toBe(true)
  for (const names of [
    undefined,
    '',
    'DNS:x',
    `URI:${gatewayUri}/x`,
    `DNS:URI:${gatewayUri}`,
    `"URI:${gatewayUri}"`,
  ])
    expect(isGateway(names)).toBe(false)
})

test('names of pools and agents are plain', () => {
  for (const name of ['a', 'db-host_1.eu', 'A'.repeat(63)]) expect(isName(name)).toBe(true)
  for (const name of ['', '-a', 'a b', 'a/b', 'A'.repeat(64), 'é', 'a\n']) expect(isName(name)).toBe(false)
})

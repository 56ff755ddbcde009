import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '@sallyport/core'
import { createSamlKey } from '@sallyport/identity'
import { startWorld, temporaryDirectory, testConfig, type World } from './testing/world.ts'

const oidc = `oidc:
  issuer: https://login.example
  clientId: sallyport
  clientSecret: env:OIDC_SECRET
  name: ACME
`

describe('a gateway with two identity providers', () => {
  const life = new AsyncDisposableStack()
  let world: World
  let certificate: string
  const saml = (issuer = 'https://idp.example/metadata'): string =>
    `saml: { issuer: '${issuer}', entryPoint: 'https://idp.example/sso', certificates: [${certificate}], name: <Staff> }\n`
  beforeAll(async () => {
    const { path } = life.use(await temporaryDirectory())
    certificate = join(path, 'idp.pem')
    await writeFile(certificate, (await createSamlKey(systemClock)).certificate)
    world = life.use(await startWorld(oidc + saml()))
  })
  afterAll(() => life.disposeAsync())

  test('offers both on its page, and tells programs so', async () => {
    const { body } = await world.ask('/sign-in?to=%2Fdevice')
    expect(body).toMatch(/href="\/sign-in\/start\?to=%2Fdevice"[^>]*>\s*Sign in with ACME/)
    expect(body).toMatch(/href="\/sign-in\/saml\/start\?to=%2Fdevice"[^>]*>\s*Sign in with &#60;Staff&#62;/)
    expect(await world.client().login.methods()).toMatchObject({ provider: 'ACME or <Staff>' })
  })

  test('says what it is to the SAML provider, and sends browsers there', async () => {
    const metadata = await world.ask('/sign-in/saml/metadata')
    expect(metadata.headers['content-type']).toContain('application/samlmetadata+xml')
    expect(metadata.body).toContain(`Location="${world.gateway.baseUrl}/sign-in/saml/acs"`)
    const { status, headers } = await world.ask('/sign-in/saml/start')
    expect(status).toBe(303)
    expect(headers.location).toMatch(/^https:\/\/idp\.example\/sso\?SAMLRequest=/)
  })

  test('takes a new certificate of the provider without being started again, and nobody in without one', async () => {
    const before = (await createSamlKey(systemClock)).certificate
    await writeFile(certificate, 'none')
    expect((await world.ask('/sign-in/saml/start')).status).toBe(503)
    expect(world.log.text).toContain('a certificate of it cannot be read')
    await writeFile(certificate, before)
    expect((await world.ask('/sign-in/saml/start')).status).toBe(303)
  })

  test('does not start where it could not tell whom each of them means, or without what it names', async () => {
    await expect(startWorld(oidc + saml('https://login.example'))).rejects.toThrow('that of oidc too')
    await expect(startWorld('saml: { issuer: i, metadata: /nowhere/idp.xml }')).rejects.toThrow(
      'saml: /nowhere/idp.xml cannot be read',
    )
  })

  test('and says of its configuration what is missing', () => {
    const wrong = (text: string) => () => testConfig('/nowhere', `saml: ${text}\n`)
    expect(wrong('{ issuer: i }')).toThrow('either the metadata file')
    expect(wrong('{ metadata: a, entryPoint: https://idp.example, issuer: i }')).toThrow(
      'either the metadata file',
    )
    expect(wrong('{ issuer: i, metadata: a, certificates: [b] }')).toThrow('certificates go with entryPoint')
    expect(wrong('{ entryPoint: https://idp.example, issuer: i }')).toThrow('certificates go with entryPoint')
    expect(wrong('{ entryPoint: https://idp.example, certificates: [b] }')).toThrow('saml.issuer')
    expect(wrong('{ entryPoint: http://idp.example, certificates: [b], issuer: i }')).toThrow(
      'an address of https',
    )
  })
})

import { duplexPair } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault, Secret } from '@sallyport/core'
import { readStartup } from './parameters.ts'
import { ScramKeyring } from './scram-keys.ts'
import { logIn } from './upstream.ts'
import { answerScram, checkServerFinal, saltPassword } from './scram.ts'

const codeOf = (act: () => unknown): string => {
  try {
    return `no fault: ${JSON.stringify(act())}`
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.code
    throw thrown
  }
}

describe('start-up parameters', () => {
  const read = (parameters: Record<string, string>) =>
    readStartup(new Map(Object.entries({ user: 'orders-db', ...parameters })))

  test('harmless ones reach the target, folded; the encoding is always UTF8', () => {
    expect(read({ DateStyle: 'ISO', application_name: 'x', client_encoding: "'utf-8'" }).parameters).toEqual({
      datestyle: 'ISO',
      application_name: 'x',
      client_encoding: 'UTF8',
    })
  })

  test('options are split as the server splits them, and filtered by the same list', () => {
    expect(
      read({ options: String.raw`-c statement_timeout=5s --lock-timeout=1\ s -cgeqo=off` }).parameters,
    ).toMatchObject({
      statement_timeout: '5s',
      lock_timeout: '1 s',
      geqo: 'off',
    })
  })

  test('how a client wants to log in is the gateway’s to hear, and not the target’s', () => {
    for (const sent of [
      { options: '-csallyport.auth=oauth' },
      { options: '--Sallyport.Auth=oauth' },
      { 'sallyport.auth': 'oauth' },
    ])
      expect(read(sent as Record<string, string>)).toMatchObject({
        auth: 'oauth',
        parameters: expect.not.objectContaining({ 'sallyport.auth': expect.anything() }),
      })
    expect(read({}).auth).toBe('password')
  })

  test('a client may ask for the messages it wants, and for the strings that it has anyway', () => {
    expect(
      read({ client_min_messages: 'notice', options: '-c standard_conforming_strings=on' }).parameters,
    ).toMatchObject({ client_min_messages: 'notice', standard_conforming_strings: 'on' })
  })

  test.each([
    { options: '-c role=postgres' },
    { options: '-c search_path=evil' },
    { options: '-csallyport.auth=trust' },
    { options: '-B 100' },
    { options: '-c' },
    { options: '-c standard_conforming_strings=off' },
    { session_authorization: 'postgres' },
    { search_path: 'evil' },
    { client_encoding: 'SJIS' },
    { replication: 'database' },
    { replication: 'true' },
  ])('%j is refused', (parameters) => {
    expect(codeOf(() => read(parameters as Record<string, string>))).toBe('client/unsupported')
  })

  const forbidden = [
    'role',
    'session_authorization',
    'search_path',
    'replication',
    'options',
    'user',
    'database',
  ]

  test('nothing that a client sends names the role, the authorization or the path of the target’s session', () => {
    const found = fc.check(
      fc.property(fc.dictionary(fc.string(), fc.string()), fc.string(), (more, options) => {
        let parameters: Readonly<Record<string, string>>
        try {
          ;({ parameters } = readStartup(new Map(Object.entries({ ...more, user: 'u', options }))))
        } catch (thrown) {
          return thrown instanceof Fault
        }
        return !forbidden.some((name) => Object.hasOwn(parameters, name))
      }),
    )
    expect(found.counterexample).toBeNull()
  })
})

describe('SCRAM-SHA-256', () => {
  // RFC 7677 section 3, with PostgreSQL's empty user name left as the RFC has it: the exchange below is the RFC's own.
  const start = {
    mechanism: 'SCRAM-SHA-256',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    gs2Header: 'n,,',
    first: 'n,,n=,r=rOprNGfwEbeRWgbNEkqO',
    binding: Buffer.alloc(0),
  } as const
  const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'

  test('binds the channel and both nonces, and two runs agree', async () => {
    const one = await answerScram(start, serverFirst, new Secret('pencil'), new ScramKeyring(saltPassword))
    const two = await answerScram(start, serverFirst, new Secret('pencil'), new ScramKeyring(saltPassword))
    expect(one).toEqual(two)
    expect(one.final).toMatch(/^c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj\)hNlF\$k0,p=/)
  })

  test('a server that does not know the password is not believed', async () => {
    const { serverSignature } = await answerScram(
      start,
      serverFirst,
      new Secret('pencil'),
      new ScramKeyring(saltPassword),
    )
    expect(
      codeOf(() => checkServerFinal(`v=${serverSignature.toString('base64')}`, serverSignature)),
    ).toMatch(/^no fault/)
    for (const final of ['v=AAAA', 'e=other-error', '', `v=${Buffer.alloc(32).toString('base64')}`]) {
      expect(codeOf(() => checkServerFinal(final, serverSignature))).toBe('target/login-failed')
    }
  })

  test.each([
    'r=someone-elses-nonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=900000000',
    'r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096',
    'nonsense',
  ])('%s is no first message', async (text) => {
    await expect(
      answerScram(start, text, new Secret('pencil'), new ScramKeyring(saltPassword)),
    ).rejects.toMatchObject({
      code: 'target/malformed',
    })
  })
})

test.each(['require', 'disable'] as const)(
  'a credential that is for verified TLS alone is not even begun with where TLS is %s',
  async (mode) => {
    const [near, far] = duplexPair()
    const credential = { user: 'app', password: new Secret('token'), isForVerifiedTlsOnly: true } as const
    const target = { host: 'db.internal', tls: { mode } }
    const parts = { target, credential, parameters: {}, keyring: new ScramKeyring(saltPassword) }
    await expect(logIn(near, parts, AbortSignal.timeout(5000))).rejects.toMatchObject({
      code: 'target/login-failed',
      shown: "the account's credential is sent only inside verified TLS, which the resource does not ask for",
    })
    near.end()
    expect(await far.toArray()).toEqual([])
  },
)

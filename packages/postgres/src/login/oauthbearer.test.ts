import { duplexPair, type Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import {
  Fault,
  refusal,
  Secret,
  systemClock,
  type Gate,
  type LoginClaim,
  type LoginCredential,
  type Refusal,
} from '@sallyport/core'
import { fakeGate } from '@sallyport/core/testing'
import { readExactly } from '@sallyport/wire'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodePassword, encodeSaslInitial, encodeSaslResponse } from '../codec/frontend.ts'
import { encodeStartup } from '../codec/startup.ts'
import type { PostgresOptions } from '../options.ts'
import { postgres } from '../protocol.ts'
import { readFrame } from './frames.ts'

const never = new AbortController().signal
const badToken = refusal('invalid-credential', 'the credential is not valid')

/** A client that is served, frame by frame. */
class Client {
  readonly #stream: Duplex
  readonly claims: LoginClaim[] = []
  /** How often it was told where to sign in. */
  told = 0
  readonly served: Promise<string>

  constructor(
    protocol: ReturnType<typeof postgres>,
    {
      answer = badToken,
      isHeld = false,
      loopback = true,
    }: { answer?: Refusal; isHeld?: boolean; loopback?: boolean } = {},
  ) {
    const [near, far] = duplexPair()
    this.#stream = far
    const gate: Gate<PostgresOptions> = {
      ...fakeGate((claim: LoginClaim) => (this.claims.push(claim), answer)),
      authorizationServer: () => {
        this.told++
        return Promise.resolve(
          isHeld
            ? refusal('throttled', 'too many log-ins')
            : { metadataUrl: 'https://gateway.example/.well-known/openid-configuration' },
        )
      },
    }
    const connection = { stream: near, address: '10.0.0.9:1', loopback, tls: createSecureContext() }
    this.served = protocol.serve(connection, gate, never).then(
      () => 'served',
      (thrown: Fault) => thrown.code,
    )
  }

  say(...messages: readonly Buffer[]): void {
    this.#stream.write(Buffer.concat(messages))
  }

  async hear(): Promise<string> {
    return (await readFrame(this.#stream, 'server', 'client/gone', never)).toString('latin1')
  }

  /** Nothing comes any more. */
  async isLeft(): Promise<boolean> {
    return readExactly(this.#stream, 1, 'client/gone', never).then(
      () => false,
      () => true,
    )
  }
}

const hello = encodeStartup({ user: 'orders-db', database: 'shop', options: '-csallyport.auth=oauth' })
const initial = (said: string): Buffer => encodeSaslInitial('OAUTHBEARER', said)
const shown = (token: string): Buffer => initial(`n,,\x01auth=Bearer ${token}\x01\x01`)
const discovery = initial('n,,\x01auth=\x01\x01')
const acknowledged = encodeSaslResponse('\x01')
const offered = 'R\0\0\0\x15\0\0\0\x0aOAUTHBEARER\0\0'

const shownBy = (credential: LoginCredential): string =>
  credential instanceof Secret ? credential.reveal() : 'a key'

describe('a client that asks for OAUTHBEARER', () => {
  let protocol: ReturnType<typeof postgres>
  beforeAll(() => {
    protocol = postgres({ clock: systemClock, maskKey: new Uint8Array(32) })
  })
  afterAll(() => protocol[Symbol.asyncDispose]())

  test('is asked for it, and for no password; the token that it shows is judged as any', async () => {
    const client = new Client(protocol, { answer: refusal('no-such-access', 'there is no such resource') })
    client.say(hello)
    expect(await client.hear()).toBe(offered)
    client.say(shown('sp_x'))
    expect(await client.hear()).toMatch(/^E.*C28000\0Msallyport: there is no such resource\0/s)
    expect(await client.isLeft()).toBe(true)
    expect(client.claims.map(({ credential, resource }) => [resource, shownBy(credential)])).toEqual([
      ['orders-db', 'sp_x'],
    ])
    expect(client.told).toBe(0)
  })

  test('without a token is told where to get one, and then FATAL 28000, and was no failed log-in', async () => {
    const client = new Client(protocol)
    client.say(hello)
    await client.hear()
    client.say(discovery)
    const told = await client.hear()
    expect(told.slice(5, 9)).toBe('\0\0\0\x0b')
    expect(JSON.parse(told.slice(9))).toEqual({
      status: 'invalid_token',
      'openid-configuration': 'https://gateway.example/.well-known/openid-configuration',
    })
    client.say(acknowledged)
    expect(await client.hear()).toMatch(
      /^E.*SFATAL\0VFATAL\0C28000\0Msallyport: there was no access token\0/s,
    )
    expect(await client.isLeft()).toBe(true)
    expect(await client.served).toBe('served')
    expect(client.claims).toEqual([])
  })

  test('that asked too often where to get one is told so, and no more', async () => {
    const client = new Client(protocol, { isHeld: true })
    client.say(hello, discovery)
    expect(await client.hear()).toBe(offered)
    expect(await client.hear()).toMatch(/^E.*C53300\0Msallyport: too many log-ins\0/s)
    expect(await client.isLeft()).toBe(true)
  })

  test.each([
    'n,,\x01auth=Bearer sp_wrong\x01\x01',
    'n,,\x01auth=Basic x\x01\x01',
    'n,,\x01auth=Bearer \x01\x01',
  ])('with %j is told that its token is not valid, and then FATAL 28000', async (said) => {
    const client = new Client(protocol)
    client.say(hello)
    await client.hear()
    client.say(initial(said))
    expect(JSON.parse((await client.hear()).slice(9))).toEqual({ status: 'invalid_token' })
    client.say(acknowledged)
    expect(await client.hear()).toMatch(/^E.*C28000\0Msallyport: the credential is not valid\0/s)
    expect(await client.isLeft()).toBe(true)
    expect(client.claims).toHaveLength(1)
    expect(client.told).toBe(0)
  })

  test('may choose first and speak then', async () => {
    const client = new Client(protocol)
    client.say(hello)
    await client.hear()
    const chosen = initial('')
    chosen.writeInt32BE(-1, chosen.length - 4)
    client.say(chosen)
    expect(await client.hear()).toBe('R\0\0\0\x08\0\0\0\x0b')
    client.say(encodeSaslResponse('n,,\x01auth=Bearer sp_x\x01\x01'))
    expect(JSON.parse((await client.hear()).slice(9))).toEqual({ status: 'invalid_token' })
  })

  test.each([
    ['a password', encodePassword('sp_x'), 'client/malformed'],
    ['another mechanism', encodeSaslInitial('SCRAM-SHA-256', 'n,,n=,r=x'), 'client/malformed'],
    ['channel binding', initial('p=tls-unique,,\x01auth=Bearer x\x01\x01'), 'client/malformed'],
    ['another identity', initial('n,a=root,\x01auth=Bearer x\x01\x01'), 'client/unsupported'],
    ['too much', shown('x'.repeat(20_000)), 'client/too-large'],
  ])('with %s is refused before anything is judged', async (_, said, code) => {
    const client = new Client(protocol)
    client.say(hello, said)
    await client.hear()
    expect(await client.hear()).toMatch(/^E/)
    expect(await client.served).toBe(code)
    expect(client.claims).toEqual([])
  })

  test('that answers the error with a token is not let in by it', async () => {
    const client = new Client(protocol)
    client.say(hello, discovery, encodeSaslResponse('n,,\x01auth=Bearer sp_good\x01\x01'))
    expect([await client.hear(), (await client.hear()).slice(0, 1)]).toEqual([offered, 'R'])
    expect(await client.hear()).toMatch(/^E/)
    expect(await client.served).toBe('client/malformed')
    expect(client.claims).toEqual([])
  })

  test('outside TLS, and not on this machine, is offered nothing', async () => {
    const client = new Client(protocol, { loopback: false })
    client.say(hello)
    expect(await client.hear()).toMatch(/^E.*TLS connections only/s)
    expect(await client.served).toBe('client/tls-required')
  })

  test('or for a password by name is asked for that, and for what there is not is refused', async () => {
    const byName = new Client(protocol)
    byName.say(encodeStartup({ user: 'orders-db', 'sallyport.auth': 'password' }))
    expect(await byName.hear()).toBe('R\0\0\0\x08\0\0\0\x03')
    const unknown = new Client(protocol)
    unknown.say(encodeStartup({ user: 'orders-db', options: '-c sallyport.auth=scram' }))
    expect(await unknown.hear()).toMatch(/^E.*sallyport.auth is password or oauth/s)
  })
})

import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  systemClock,
  type CredentialRequest,
  type CredentialSource,
  type Resource,
  type SessionId,
} from '@sallyport/core'
import { alice, postgresResource } from '@sallyport/core/testing'
import { isSigned, signatureOf } from '../../testing/sigv4.ts'
import type { Undertake } from '../kind.ts'
import { awsSecretKind, rdsIamKind } from './aws-kinds.ts'
import { AwsStore, type AwsSettings } from './aws-store.ts'

/** What AWS publishes with its test suite for the signature, version 4. */
const accessKey = 'AKIDEXAMPLE'
const secretKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const vectors = [
  ['get-vanilla', 'GET', '/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/?Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
] as const

describe('AWS’s signature, version 4,', () => {
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' }

  test.each(vectors)(
    'is that of the published vector %s, by the library and by who checks it',
    async (_, method, target, signature) => {
      const signedHeaders = ['host', 'x-amz-date']
      const scope = {
        secretKey,
        amzDate: '20150830T123600Z',
        region: 'us-east-1',
        service: 'service',
        signedHeaders,
      }
      expect(signatureOf({ method, target, headers, body: '' }, scope)).toBe(signature)
      const signer = new SignatureV4({
        service: 'service',
        region: 'us-east-1',
        credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
        sha256: Sha256,
        applyChecksum: false,
      })
      const url = new URL(target, 'https://example.amazonaws.com')
      const request = {
        method,
        protocol: 'https:',
        hostname: url.hostname,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: { host: 'example.amazonaws.com' },
      }
      const signed = await signer.sign(request, { signingDate: new Date('2015-08-30T12:36:00Z') })
      expect(signed.headers['authorization']).toBe(
        `AWS4-HMAC-SHA256 Credential=${accessKey}/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
      )
    },
  )
})

class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {}
}

describe('AWS', () => {
  let server: Server
  let directory: string
  let secrets: Map<string, string>
  let calls: string[]
  let accepted: readonly [string, string]
  let isBroken: boolean
  const opened: AwsStore[] = []
  const at = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  beforeEach(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKey)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretKey)
    vi.stubEnv('AWS_SESSION_TOKEN', '')
    accepted = [accessKey, secretKey]
    secrets = new Map([['orders AWSCURRENT', '{"username":"app","password":"from AWS","port":5432}']])
    calls = []
    isBroken = false
    directory = await mkdtemp(join(tmpdir(), 'sallyport-aws-'))
    server = createServer((request, response) => void answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const one of opened.splice(0)) one[Symbol.dispose]()
    server.closeAllConnections()
    server.close()
    await rm(directory, { recursive: true })
  })

  /** Secrets Manager, which checks signatures itself, and all that gives credentials to machines. */
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: target = '', headers } = request
    const body = await text(request)
    calls.push(`${method} ${target.replace(/\?.*/, '')}`)
    const say = (status: number, answered: string, more = {}): void =>
      void response.writeHead(status, more).end(answered)
    const fail = (status: number, type: string): void =>
      say(status, JSON.stringify({ __type: type, message: `${type}: ${body}` }), {
        'content-type': 'application/x-amz-json-1.1',
      })
    if (isBroken) return fail(500, 'InternalServiceError')
    const expiration = new Date(Date.now() + 3_600_000).toISOString()
    const [key, secret] = accepted
    const issued = { AccessKeyId: key, SecretAccessKey: secret, Token: 'session', Expiration: expiration }
    switch (`${method} ${target.replace(/\?.*/, '')}`) {
      case 'GET /container':
        if (headers.authorization !== 'container token') return say(403, '{}')
        return say(200, JSON.stringify(issued), { 'content-type': 'application/json' })
      case 'PUT /latest/api/token':
        return say(200, 'imds token')
      case 'GET /latest/meta-data/iam/security-credentials/':
        return headers['x-aws-ec2-metadata-token'] === 'imds token' ? say(200, 'role') : say(401, '')
      case 'GET /latest/meta-data/iam/security-credentials/role':
        return headers['x-aws-ec2-metadata-token'] === 'imds token'
          ? say(200, JSON.stringify({ Code: 'Success', ...issued }))
          : say(401, '')
    }
    if (body.includes('Action=AssumeRoleWithWebIdentity')) {
      const asked = new URLSearchParams(body)
      if (asked.get('WebIdentityToken') !== 'pod token') return say(400, '<ErrorResponse/>')
      return say(
        200,
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
        { 'content-type': 'text/xml' },
      )
    }
    const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    if (!isSigned({ method, target, headers: plain, body }, key, secret))
      return fail(400, 'InvalidSignatureException')
    expect(headers['x-amz-target']).toBe('secretsmanager.GetSecretValue')
    const { SecretId: id, VersionStage: stage = 'AWSCURRENT' } = JSON.parse(body) as Record<string, string>
    const found = secrets.get(`${id} ${stage}`)
    if (found === undefined) return fail(400, 'ResourceNotFoundException')
    say(200, JSON.stringify({ Name: id, SecretString: found }), {
      'content-type': 'application/x-amz-json-1.1',
    })
  }

  const store = (over: Partial<AwsSettings> = {}): AwsStore => {
    const one = new AwsStore(
      { name: 'aws', region: 'eu-central-1', endpoint: at(), credentials: { from: 'environment' }, ...over },
      systemClock,
    )
    opened.push(one)
    return one
  }
  const request = (credential: CredentialSource): CredentialRequest => ({
    resource: { ...(postgresResource({}) as Resource), host: 'orders.abc.eu-central-1.rds.amazonaws.com' },
    account: { name: 'app', credential },
    session: 'ses_1' as SessionId,
    subject: alice,
    signal: AbortSignal.timeout(20_000),
  })
  const noLease: Undertake = () => Promise.reject(new Error('nothing is undertaken'))
  const source = { from: 'aws-secret', store: 'aws', secret: 'orders', key: 'password' } as const
  const read = async (of: AwsStore, over: object = {}): Promise<string | undefined> => {
    const asked = { ...source, ...over }
    return (await awsSecretKind(() => of).fetch(asked, request(asked), noLease)).password?.reveal()
  }

  test('Secrets Manager gives a secret, one key of it, or that of another stage, to whom it knows', async () => {
    secrets.set('orders AWSPREVIOUS', '{"password":"the last one"}')
    secrets.set('plain AWSCURRENT', 'all of it')
    expect(await read(store())).toBe('from AWS')
    expect(await read(store(), { stage: 'AWSPREVIOUS' })).toBe('the last one')
    expect(await read(store(), { secret: 'plain', key: undefined })).toBe('all of it')
    accepted = [accessKey, 'another key']
    await expect(read(store())).rejects.toMatchObject({
      kind: 'refused',
      message: 'AWS aws, secret orders: InvalidSignatureException',
    })
  })

  test.each([
    ['a secret that is not there', { secret: 'other' }, 'there is none, or none of that stage'],
    ['a key that is not there', { key: 'pass' }, 'there is no text under its key pass'],
    ['a key that is no text', { key: 'port' }, 'there is no text under its key port'],
    ['a key of every object', { key: 'toString' }, 'there is no text under its key toString'],
  ])('Secrets Manager is quoted with no word of it about %s', async (_, over, words) => {
    const thrown = await read(store(), over).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ kind: 'missing', message: expect.stringContaining(words) as string })
    expect(inspect(thrown, { depth: 9 })).not.toMatch(/from AWS|wJalr/)
  })

  test('Secrets Manager that fails is left alone after three times', async () => {
    isBroken = true
    const one = store()
    for (let i = 0; i < 3; i++) await expect(read(one)).rejects.toMatchObject({ kind: 'unavailable' })
    const count = calls.length
    await expect(read(one)).rejects.toThrow('AWS aws does not answer, and is asked again in 5 s')
    expect(calls).toHaveLength(count)
  })

  test('RDS takes a token that is signed for one database and user, for a quarter of an hour', async () => {
    const iam = { from: 'rds-iam', store: 'aws' } as const
    const found = await rdsIamKind(() => store()).fetch(iam, request(iam), noLease)
    expect(found).toMatchObject({ user: 'app', isForVerifiedTlsOnly: true })
    const token = found.password!.reveal()
    const { host, pathname, searchParams: query } = new URL(`https://${token}`)
    expect([host, pathname]).toEqual(['orders.abc.eu-central-1.rds.amazonaws.com:5432', '/'])
    expect(Object.fromEntries(query)).toMatchObject({
      Action: 'connect',
      DBUser: 'app',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
    })
    const amzDate = query.get('X-Amz-Date')!
    expect(query.get('X-Amz-Credential')).toBe(
      `${accessKey}/${amzDate.slice(0, 8)}/eu-central-1/rds-db/aws4_request`,
    )
    const target = token.slice(token.indexOf('/'))
    const scope = { secretKey, amzDate, region: 'eu-central-1', service: 'rds-db', signedHeaders: ['host'] }
    expect(query.get('X-Amz-Signature')).toBe(
      signatureOf({ method: 'GET', target, headers: { host }, body: '' }, scope),
    )
    expect(calls).toEqual([])
    const elsewhere = { ...iam, region: 'us-east-1', host: 'other.rds.amazonaws.com' }
    const other = await rdsIamKind(() => store()).fetch(elsewhere, request(elsewhere), noLease)
    expect(other.password?.reveal()).toMatch(/^other\.rds\.amazonaws\.com:5432\/\?.*%2Fus-east-1%2Frds-db%2F/)
  })

  describe('knows the gateway by credentials', () => {
    beforeEach(() => {
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
      accepted = ['AKIDOTHER', 'another key']
    })

    test('of a profile', async () => {
      const file = join(directory, 'credentials')
      await writeFile(file, '[gateway]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = another key\n')
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)
      vi.stubEnv('AWS_CONFIG_FILE', join(directory, 'config'))
      expect(await read(store({ credentials: { from: 'profile', profile: 'gateway' } }))).toBe('from AWS')
    })

    test('of a container', async () => {
      vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${at()}/container`)
      vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN', 'container token')
      expect(await read(store({ credentials: { from: 'container' } }))).toBe('from AWS')
    })

    test('of a service account’s token', async () => {
      await writeFile(join(directory, 'token'), 'pod token')
      vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(directory, 'token'))
      vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/gateway')
      vi.stubEnv('AWS_REGION', 'eu-central-1')
      vi.stubEnv('AWS_ENDPOINT_URL_STS', at())
      expect(await read(store({ credentials: { from: 'web-identity' } }))).toBe('from AWS')
    })

    test('of the machine, by IMDSv2, which is asked for them once and only where it is configured', async () => {
      vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', at())
      const machine = store({ credentials: { from: 'instance' } })
      expect([await read(machine), await read(machine)]).toEqual(['from AWS', 'from AWS'])
      expect(calls.filter((call) => call === 'PUT /latest/api/token')).toHaveLength(1)
      calls = []
      await expect(read(store())).rejects.toThrow(
        'the gateway has no credentials of its own from environment',
      )
      expect(calls).toEqual([])
    })
  })
})

import { ResourceDocument } from '@sallyport/api'
import type { StreamProtocol } from '@sallyport/core'
import { describe, expect, test } from 'vitest'
import { documentOf, resourceOf, type KnownWords } from './resource-document.ts'

const protocol: StreamProtocol<{ tls: string }> = {
  over: 'stream',
  name: 'postgres',
  defaultPort: 5432,
  listenPort: 15432,
  options: (value) => {
    const { tls = 'require', ...rest } = value as { tls?: string }
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined) throw new Error(`unknown option ${unknown}`)
    return { tls }
  },
  actions: [],
  facts: [],
  replay: 'statements',
  hints: () => [],
  serve: () => Promise.resolve(),
}
const known: KnownWords = {
  protocols: [protocol as StreamProtocol],
  detectors: ['email', 'card'],
  stores: new Map([
    ['vault', 'vault'],
    ['aws', 'aws'],
  ]),
}

const via = { name: 'provisioner', credential: { from: 'sealed', name: 'provisioner' } }

const parse = (over: object) =>
  ResourceDocument.parse({
    kind: 'Resource',
    name: 'orders-db',
    protocol: 'postgres',
    host: 'db.internal',
    agent: 'dc1',
    accounts: [{ name: 'app', credential: { from: 'sealed', name: 'orders-db-app' } }],
    ...over,
  })

describe('a declared resource', () => {
  test('has its protocol’s port and defaults', () => {
    expect(resourceOf(parse({}), known)).toMatchObject({
      port: 5432,
      options: { tls: 'require' },
      recording: 'batched',
    })
  })

  test('may be logged in to with a certificate where its protocol knows those', () => {
    const accounts = [{ name: 'app', credential: { from: 'certificate' } }]
    const ssh: StreamProtocol = { ...(protocol as StreamProtocol), certificates: 'openssh' }
    expect(resourceOf(parse({ accounts }), { ...known, protocols: [ssh] })).toMatchObject({ accounts })
  })

  test('may take its credentials from stores that are configured', () => {
    const accounts = [
      { name: 'a', credential: { from: 'vault', path: 'orders/app' } },
      { name: 'b', credential: { from: 'vault-database', role: 'orders' } },
      { name: 'c', credential: { from: 'rds-iam' } },
    ]
    const verifying: StreamProtocol = { ...(protocol as StreamProtocol), verifiesTls: () => true }
    expect(resourceOf(parse({ accounts }), { ...known, protocols: [verifying] })).toMatchObject({
      accounts: [
        { credential: { store: 'vault', mount: 'secret', path: 'orders/app', field: 'password' } },
        { credential: { store: 'vault', mount: 'database', role: 'orders' } },
        { credential: { store: 'aws' } },
      ],
    })
  })

  test('may be logged in to with a client certificate where TLS with it is verified', () => {
    const accounts = [{ name: 'app', credential: { from: 'certificate' } }]
    const within = (isVerified: boolean): KnownWords => ({
      ...known,
      protocols: [{ ...(protocol as StreamProtocol), certificates: 'x509', verifiesTls: () => isVerified }],
    })
    expect(resourceOf(parse({ accounts }), within(true))).toMatchObject({ accounts })
    expect(resourceOf(parse({ accounts }), within(false))).toMatchObject([
      { path: 'accounts.0.credential', message: expect.stringContaining('options.tls') as string },
    ])
  })

  test('may have roles of its sessions where its protocol makes them, by an account that lasts', () => {
    const ephemeralRoles = {} as NonNullable<StreamProtocol['ephemeralRoles']>
    const making = { ...known, protocols: [{ ...(protocol as StreamProtocol), ephemeralRoles }] }
    const accounts = [{ name: 'app', credential: { from: 'ephemeral-role', via } }]
    expect(resourceOf(parse({ accounts }), making)).toMatchObject({ accounts })
    const rds = { name: 'provisioner', credential: { from: 'rds-iam' } }
    const through = [{ name: 'app', credential: { from: 'ephemeral-role', via: rds } }]
    expect(resourceOf(parse({ accounts: through }), making)).toMatchObject([
      { path: 'accounts.0.credential' },
    ])
    for (const made of [
      { from: 'vault-database', role: 'x' },
      { from: 'ephemeral-role', via },
    ]) {
      const credential = { from: 'ephemeral-role', via: { name: 'provisioner', credential: made } }
      expect(() => parse({ accounts: [{ name: 'app', credential }] })).toThrow(/via/)
    }
  })

  test.each([
    [
      { accounts: [{ name: 'app', credential: { from: 'vault', store: 'aws', path: 'a' } }] },
      'accounts.0.credential',
      'no store aws of kind vault is configured: see `stores` in gateway.yaml',
    ],
    [
      { accounts: [{ name: 'app', credential: { from: 'rds-iam' } }] },
      'accounts.0.credential',
      'a token for RDS goes only into TLS whose certificate is verified; see `options.tls`',
    ],
    [{ protocol: 'oracle' }, 'protocol', 'there is no protocol oracle; use postgres'],
    [{ options: { ssl: true } }, 'options', 'unknown option ssl'],
    [
      { accounts: [{ name: 'app', credential: { from: 'certificate' } }] },
      'accounts.0.credential',
      'postgres targets let nobody in by certificates; say where a password is',
    ],
    [
      { accounts: [{ name: 'app', credential: { from: 'ephemeral-role', via } }] },
      'accounts.0.credential',
      'no roles are made on postgres targets; say where a password is',
    ],
    [
      { masking: { columns: { email: 'pii.email' } } },
      'masking.columns.email',
      'name it schema.table.column',
    ],
    [
      { masking: { detectors: ['emial'] } },
      'masking.detectors',
      'there is no detector emial; did you mean email?',
    ],
  ])('%j is refused in words', (over, path, message) => {
    expect(resourceOf(parse(over), known)).toEqual([{ path, message }])
  })

  test('declared again from what it became, is the same', () => {
    const document = parse({
      port: 5433,
      options: { tls: 'off' },
      masking: {
        mode: 'lenient',
        columns: {
          'public.people.email': 'pii.email',
          'public.people.card': ['pii.card', 'finance'],
          'public.people.phone': { tags: 'pii.phone', redactor: { 'keep-last': 6 } },
          'public.people.number': { tags: ['pii.id', 'finance'], redactor: 'keep-last-4' },
        },
        detectors: ['card'],
        redactors: { 'pii.email': 'keep-domain', finance: { fixed: '***' }, 'pii.id': 'null' },
      },
    })
    const resource = resourceOf(document, known)
    if (!('masking' in resource)) throw new Error('it should stand')
    expect(documentOf(resource)).toEqual(document)
  })

  test('NULL is meant with and without quotes, and the common count has one name', () => {
    const document = parse({
      masking: {
        columns: { 'public.people.phone': { tags: ['pii.phone'], redactor: { 'keep-last': 4 } } },
        redactors: { 'pii.id': null },
      },
    })
    const resource = resourceOf(document, known)
    if (!('masking' in resource)) throw new Error('it should stand')
    expect(resource.masking.columns).toEqual([
      { column: 'public.people.phone', tag: 'pii.phone', redactor: { kind: 'keep-last', count: 4 } },
    ])
    expect(resource.masking.redactors).toEqual({ 'pii.id': { kind: 'null' } })
    expect(documentOf(resource).masking).toMatchObject({
      columns: { 'public.people.phone': { tags: 'pii.phone', redactor: 'keep-last-4' } },
      redactors: { 'pii.id': 'null' },
    })
  })
})

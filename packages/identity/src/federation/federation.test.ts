import { generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRefusal, principalId, Secret, type Issuer, type Refusal, type Subject } from '@sallyport/core'
import type { Authenticated } from '../authenticator.ts'
import { Authenticators } from '../authenticators.ts'
import { identityFixture, type Fixture } from '../testing/fixtures.ts'
import { ci, TestIssuer } from '../testing/issuer.ts'
import { invalidCredential } from '../authenticator.ts'
import { Federation, type RefusedToken } from './federation.ts'

describe('tokens of declared issuers', () => {
  let it: Fixture
  let issuer: TestIssuer
  let federation: Federation
  let people: Authenticators
  let refused: RefusedToken[]
  beforeEach(async () => {
    it = await identityFixture()
    issuer = await TestIssuer.start(it.clock)
    refused = []
    federation = new Federation({
      ...it,
      publishedAt: issuer.publishedAt,
      onRefused: (one) => void refused.push(one),
    })
    people = new Authenticators({ ...it, federation })
    await declare(ci)
  })
  afterEach(async () => {
    federation[Symbol.dispose]()
    await it[Symbol.asyncDispose]()
  })

  const declare = (declared: Issuer): Promise<void> =>
    it.store.write('system', 'apply', (tx) => tx.issuers.put(declared))
  const show = (text: string): Promise<Authenticated | Refusal> =>
    people.authenticate(new Secret(text), '10.0.0.9:5000')
  const proven = async (text: string): Promise<Authenticated> => {
    const who = await show(text)
    if (isRefusal(who)) throw new Error(`refused: ${refused.at(-1)?.why}`)
    return who
  }
  const person = (claims: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    issuer.token({
      ref: undefined,
      kind: 'person',
      sub: '42',
      preferred_username: 'Dora@acme.example',
      ...claims,
    })

  test('let a workload in, for as long as they live and no longer', async () => {
    const token = await issuer.token()
    const who = await proven(token)
    const principal = { kind: 'workload', id: 'workload:ci-shop', name: 'ci-shop', groups: ['deployers'] }
    expect(who).toEqual({
      subject: { principal, actor: { kind: 'workload', id: 'workload:ci-shop', name: 'ci-shop' } },
      token: { id: who.token.id, label: 'ci/main', expiresAtMs: it.clock.now() + 300_000 },
    })
    it.clock.advance(299_999)
    expect((await proven(token)).token.id).toBe(who.token.id)
    it.clock.advance(1)
    expect(await show(token)).toEqual(invalidCredential())
  })

  test('are one and the same, whoever shows them at the same time, and however their signature is written', async () => {
    const token = await issuer.token()
    const [one, other] = await Promise.all([proven(token), proven(token)])
    expect(one.token.id).toBe(other.token.id)
    await it.tokens.revoke('system', one.token.id)
    const [header, claims] = token.split('.')
    const signedAgain = (await issuer.token()).split('.')
    expect(signedAgain.slice(0, 2)).toEqual([header, claims])
    expect(signedAgain[2]).not.toBe(token.split('.')[2])
    expect(await show(signedAgain.join('.'))).toEqual(invalidCredential())
  })

  test('that are not good get one and the same answer, which does not say why; the log and the audit do, without them', async () => {
    const { privateKey: foreign } = await generateKeyPair('ES256')
    const publicKey = Buffer.from(JSON.stringify(issuer.published()))
    const cases: [text: string, why: string][] = [
      [await issuer.token({ iss: 'https://elsewhere.example' }), 'not declared'],
      [await issuer.token({ iss: undefined }), 'not declared'],
      [await issuer.token({}, { key: foreign }), 'signature is wrong'],
      [await issuer.token({}, { alg: 'HS256', key: publicKey }), 'signed by "HS256"'],
      [(await issuer.token()).replace(/[^.]+$/, ''), 'not signed'],
      [
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await issuer.token()).split('.')[1]}.AAAA`,
        '"none"',
      ],
      [await issuer.token({ exp: 1 }), 'expired'],
      [await issuer.token({ ref: 'refs/heads/x' }), 'no rule'],
      [await issuer.token({ aud: 'other' }), 'another audience'],
      [await issuer.token({}, { header: { jwk: issuer.published() }, key: foreign }), 'signature is wrong'],
      ['ey.ey.ey', 'header'],
    ]
    for (const [text, why] of cases) {
      expect(await show(text)).toEqual(invalidCredential())
      expect(refused.at(-1)?.why).toContain(why)
    }
    const audit = JSON.stringify(await it.store.read.audit.list(100))
    expect(audit).toContain('a token of issuer ci was refused from 10.0.0.9:5000: it has expired')
    expect(audit).not.toContain('not declared')
    for (const [text] of cases) {
      expect(audit + JSON.stringify(refused)).not.toContain(text.split('.')[1] || 'never')
    }
  })

  test('that are refused without end do not fill the audit log', async () => {
    for (let i = 0; i < 70; i++) await show(await issuer.token({ exp: i + 1 }))
    expect(refused).toHaveLength(70)
    const lines = (await it.store.read.audit.list(500)).filter(({ why }) => why === 'federation')
    expect(lines).toHaveLength(60)
  })

  test('end with what their issuer’s declaration was, and are judged by what it is now', async () => {
    const token = await issuer.token()
    const told: (Refusal | Subject)[] = []
    people.watch(await proven(token), (now) => void told.push(now))
    await declare({ ...ci, name: 'other', issuer: 'https://other.example', rules: [] })
    expect(told).toEqual([])
    const [main, ...rest] = ci.rules
    if (main === undefined) throw new Error('no rule')
    await declare({ ...ci, rules: [{ ...main, groups: ['readers'] }, ...rest] })
    expect(told).toMatchObject([{ code: 'access-revoked' }])
    expect((await proven(token)).subject.principal.groups).toEqual(['readers'])
    await it.store.write('system', 'apply', (tx) => tx.issuers.delete('ci'))
    expect(await show(token)).toEqual(invalidCredential())
    expect(refused.at(-1)?.why).toContain('not declared')
  })

  test('that were revoked stay so when their issuer is declared anew', async () => {
    const token = await issuer.token()
    const { token: kept } = await proven(token)
    await it.tokens.revoke('system', kept.id)
    expect(await show(token)).toEqual(invalidCredential())
    await declare({ ...ci, maxLifetimeSeconds: 1800 })
    expect(await show(token)).toEqual(invalidCredential())
    expect(refused.at(-1)).toEqual({ issuer: 'ci', why: 'it was revoked, or whom it is about is shut out' })
  })

  test('may ask for tokens of ours, which end with them and with their issuer', async () => {
    const who = await proven(await issuer.token())
    const minted = await it.tokens.mint(who.subject, {
      principalId: principalId('workload', 'ci-shop'),
      label: 'x',
      by: who.token.id,
    })
    if (isRefusal(minted)) throw new Error(minted.reason)
    expect(minted.expiresAtMs).toBe(who.token.expiresAtMs)
    expect(isRefusal(await people.authenticate(minted.token))).toBe(false)
    await declare({ ...ci, maxLifetimeSeconds: 1800 })
    expect(await people.authenticate(minted.token)).toEqual(invalidCredential())
  })

  test('look up keys by one request however often unknown keys are named', async () => {
    await proven(await issuer.token())
    const before = issuer.asked
    await issuer.addKey('gone')
    const token = await issuer.token({}, { kid: 'gone' })
    issuer.removeKey('gone')
    for (let i = 0; i < 20; i++) await show(token)
    expect(issuer.asked).toBe(before)
    expect(refused.at(-1)?.why).toContain('none of its issuer')
  })

  test('are verified by keys that stand in the declaration, where the issuer cannot be asked', async () => {
    await declare({
      ...ci,
      keys: { from: 'document', keys: [issuer.published() as Record<string, unknown>] },
    })
    await proven(await issuer.token())
    expect(issuer.asked).toBe(0)
  })

  test('are not taken where the metadata are those of another issuer', async () => {
    await declare({ ...ci, issuer: 'https://mixed.example' })
    expect(await show(await issuer.token({ iss: 'https://mixed.example' }))).toEqual(invalidCredential())
    expect(refused.at(-1)?.why).toContain('cannot be had')
  })

  test('tell by a test whom they would let in, and nothing is kept of it', async () => {
    const token = new Secret(await issuer.token())
    expect(await federation.examine(token)).toMatchObject({ issuer: { name: 'ci' }, rule: { name: 'main' } })
    expect(await it.store.read.tokens.list(undefined, 9)).toEqual([])
  })

  describe('about a person', () => {
    test('make them a user, known from then on by issuer and subject', async () => {
      const { subject } = await proven(await person({ groups: ['dba', '/leads', 'not a name'] }))
      expect(subject.principal).toEqual({
        kind: 'user',
        id: 'user:dora',
        name: 'dora (Dora@acme.example)',
        groups: ['dba', 'leads', 'staff'],
      })
      it.clock.advance(1000)
      const again = await proven(await person({ preferred_username: 'Theodora' }))
      expect(again.subject.principal).toMatchObject({
        id: 'user:dora',
        name: 'dora (Theodora)',
        groups: ['staff'],
      })
    })

    test('are never joined with somebody local, or somebody of another subject, who has the same name', async () => {
      await it.create('dora', ['administrators'])
      const { subject: one } = await proven(await person())
      const { subject: other } = await proven(await person({ sub: '43' }))
      expect(one.principal.id).toMatch(/^user:dora-[0-9a-f]{10}$/)
      expect(other.principal.id).toMatch(/^user:dora-[0-9a-f]{10}$/)
      expect(other.principal.id).not.toBe(one.principal.id)
      for (const { principal } of [one, other]) expect(principal.groups).toEqual(['staff'])
    })

    test('who has no name that can be one here are named all the same', async () => {
      for (const [sub, name] of [
        ['a', '…'],
        ['b', undefined],
        ['c', '../../etc'],
      ] as const) {
        const { subject } = await proven(await person({ sub, preferred_username: name }))
        expect(subject.principal.id).toMatch(/^user:[a-z0-9][a-z0-9._-]*$/)
      }
    })

    test('bring back no groups that a later one has taken away', async () => {
      const old = await person({ groups: ['dba'] })
      it.clock.advance(2000)
      await proven(await person({ groups: [] }))
      expect((await proven(old)).subject.principal.groups).toEqual(['staff'])
    })

    test('whose groups do not fit into it are not taken for groupless', async () => {
      expect(await show(await person({ _claim_names: { groups: 'src1' } }))).toEqual(invalidCredential())
      expect(refused.at(-1)?.why).toContain('did not fit')
      const groups = Array.from({ length: 501 }, (_, i) => `g${i}`)
      expect(await show(await person({ groups, iat: 0, exp: 1 }))).toEqual(invalidCredential())
    })

    test('who was disabled are refused, and what they opened has ended', async () => {
      const token = await person()
      const told: (Refusal | Subject)[] = []
      people.watch(await proven(token), (now) => void told.push(now))
      await it.disable('dora')
      expect(told).toMatchObject([{ code: 'access-revoked' }])
      for (const shown of [token, await person({ jti: 'another' })])
        expect(await show(shown)).toEqual(invalidCredential())
      await it.enable('dora')
      expect(await show(token)).toEqual(invalidCredential())
      it.clock.advance(1000)
      await proven(await person())
    })
  })
})

import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { SshKeygen } from '../test/ssh-keygen.ts'
import { checkHostKey, hostKeyAlgorithms, parseKnownHosts, type ShownHostKey } from './host-keys.ts'
import { keyLine } from './key-line.ts'
import { mintCertificate } from './mint-certificate.ts'
import { generatePrivateKey, parsePrivateKey } from './private-key.ts'
import { fingerprint } from './public-key.ts'
import { Malformed } from './wire.ts'

const host = generatePrivateKey()
const authority = generatePrivateKey()
const line = keyLine(host.publicKey.blob)
const now = Date.UTC(2030, 0, 1)

function shown(blob: Buffer = host.publicKey.blob, changes: Partial<ShownHostKey> = {}): ShownHostKey {
  return { host: 'web-1.example', port: 22, blob, nowMs: now, ...changes }
}

function certificate(...principals: readonly string[]): Buffer {
  return mintCertificate(
    {
      key: host.publicKey,
      kind: 'host',
      keyId: 'h',
      serial: 1n,
      principals,
      validAfterMs: now,
      validBeforeMs: now + 60_000,
    },
    authority,
  )
}

function verdict(lines: readonly string[], key: ShownHostKey): string {
  const said = checkHostKey(parseKnownHosts(lines), key)
  return said.kind === 'trusted' ? `by ${said.by}` : said.flaw
}

const ours = `@cert-authority *.example ${keyLine(authority.publicKey.blob)} our hosts`

test('a pinned key is trusted, with or without the host’s name before it', () => {
  expect(verdict([line], shown())).toBe('by key')
  expect(verdict([`web-1.example ${line} comment`], shown())).toBe('by key')
  expect(checkHostKey(parseKnownHosts([line]), shown()).fingerprint).toBe(fingerprint(host.publicKey.blob))
})

test('a host about which nothing is known is not trusted for being new', () => {
  expect(verdict([], shown())).toBe('unknown')
  expect(verdict([`web-2.example ${line}`], shown())).toBe('unknown')
})

test('a host that shows another key than is known of it is not trusted', () => {
  expect(verdict([`web-1.example ${keyLine(generatePrivateKey().publicKey.blob)}`], shown())).toBe('other')
})

test('a key of one host says nothing of another on the same machine', () => {
  expect(verdict([`web-1.example ${line}`], shown(undefined, { port: 2222 }))).toBe('unknown')
  expect(verdict([`[web-1.example]:2222 ${line}`], shown(undefined, { port: 2222 }))).toBe('by key')
  expect(verdict([`[web-1.example]:2222 ${line}`], shown())).toBe('unknown')
})

test('a revoked key is not trusted, though it is pinned too', () => {
  expect(verdict([line, `@revoked * ${line}`], shown())).toBe('revoked')
})

test('an authority’s certificate for this very host is trusted', () => {
  expect(verdict([ours], shown(certificate('web-1.example')))).toBe('by authority')
  expect(verdict([ours], shown(certificate('web-1.example'), { host: 'WEB-1.example' }))).toBe('by authority')
})

test('an authority’s certificate for another host is not trusted', () => {
  expect(verdict([ours], shown(certificate('web-2.example')))).toBe('other-principal')
})

test('an authority speaks for the hosts of its line alone', () => {
  const elsewhere = shown(certificate('db-1.other'), { host: 'db-1.other' })
  expect(verdict([ours], elsewhere)).toBe('unknown')
})

test('an expired certificate of a host is not trusted', () => {
  expect(verdict([ours], shown(certificate('web-1.example'), { nowMs: now + 60_000 }))).toBe('expired')
})

test('a user’s certificate of the same authority is not a host’s', () => {
  const user = mintCertificate(
    {
      key: host.publicKey,
      kind: 'user',
      keyId: 'u',
      serial: 1n,
      principals: ['web-1.example'],
      validAfterMs: now,
      validBeforeMs: now + 60_000,
    },
    authority,
  )
  expect(verdict([ours], shown(user))).toBe('other-kind')
})

test('an authority’s own key is no host’s', () => {
  expect(verdict([ours], shown(authority.publicKey.blob))).toBe('other')
})

test('a pinned key is no authority', () => {
  const pinned = `*.example ${keyLine(authority.publicKey.blob)}`
  expect(verdict([pinned], shown(certificate('web-1.example')))).toBe('other')
})

test('a certificate of a revoked key, or by a revoked authority, is not trusted', () => {
  const blob = certificate('web-1.example')
  expect(verdict([ours, `@revoked * ${line}`], shown(blob))).toBe('revoked')
  expect(verdict([ours, `@revoked * ${keyLine(authority.publicKey.blob)}`], shown(blob))).toBe('revoked')
})

test('an authority’s ssh-keygen certificate of a host is trusted', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.key('ca', '-t', 'ecdsa')
  await keygen.key('k', '-t', 'rsa', '-b', '2048')
  const blob = await keygen.certify('k', 'ca', '-h', '-n', 'web-1.example', '-V', '20200101:20400101')
  const ca = parsePrivateKey(new Secret(await keygen.read('ca'))).publicKey
  expect(verdict([`@cert-authority *.example ${keyLine(ca.blob)}`], shown(blob))).toBe('by authority')
})

test.each([
  ['web-1.example', true],
  ['WEB-1.Example', true],
  ['*', true],
  ['*.example', true],
  ['web-?.example', true],
  ['a,b,web-1.example', true],
  ['*.example,!web-1.example', false],
  ['!web-1.example,*', false],
  ['!web-2.example', false],
  ['web-?', false],
  ['*.example.com', false],
  ['web-1.example?', false],
])('the pattern %s and the host web-1.example: %s', async (pattern, matches) => {
  expect(verdict([`${pattern} ${line}`], shown())).toBe(matches ? 'by key' : 'unknown')
  await using keygen = await SshKeygen.open()
  await keygen.write('known_hosts', `${pattern} ${line}\n`)
  const found = await keygen.run(['-F', 'web-1.example', '-f', 'known_hosts']).catch(() => '')
  expect(found.includes('found')).toBe(matches)
})

test('a host’s name that ssh-keygen has hashed is found', async () => {
  await using keygen = await SshKeygen.open()
  await keygen.write('known_hosts', `web-1.example ${line}\n[web-1.example]:2222 ${line}\n`)
  await keygen.run(['-H', '-f', 'known_hosts'])
  const lines = (await keygen.read('known_hosts')).split('\n')
  expect(lines[0]).toMatch(/^\|1\|/)
  expect(verdict(lines, shown())).toBe('by key')
  expect(verdict(lines, shown(undefined, { port: 2222 }))).toBe('by key')
  expect(verdict(lines, shown(undefined, { host: 'web-2.example' }))).toBe('unknown')
})

test('a pattern of many stars takes no time', () => {
  const [lines, name] = [[`${'*a'.repeat(100)} ${line}`], 'a'.repeat(99)]
  expect(verdict(lines, shown(undefined, { host: name }))).toBe('unknown')
})

test.each([
  ['a marker of another kind', `@trusted * ${line}`],
  ['no key', 'web-1.example'],
  ['a key that is cut', `web-1.example ${line.slice(0, -8)}`],
  ['a certificate in place of a key', `web-1.example ${keyLine(certificate('a'))}`],
  ['more patterns than 64', `${Array.from({ length: 65 }, () => 'a').join()} ${line}`],
])('a line with %s is refused, not passed over', (_, text) => {
  expect(() => parseKnownHosts([text])).toThrow(Malformed)
})

test('empty lines and remarks are passed over', () => {
  expect(parseKnownHosts(['', '  ', '# web-1.example'])).toEqual([])
})

test('a host is asked for the kinds of key that are known of it', () => {
  const known = parseKnownHosts([line, `@revoked * ${keyLine(authority.publicKey.blob)}`])
  expect(hostKeyAlgorithms(known, 'web-1.example', 22)).toEqual(['ssh-ed25519'])
})

test('a host of which an authority is known is asked for a certificate', () => {
  const algorithms = hostKeyAlgorithms(parseKnownHosts([ours]), 'web-1.example', 22)
  expect(algorithms).toContain('ssh-ed25519-cert-v01@openssh.com')
  expect(algorithms).toContain('rsa-sha2-512-cert-v01@openssh.com')
  expect(algorithms.every((name) => name.endsWith('-cert-v01@openssh.com'))).toBe(true)
})

test('a host of which nothing is known is asked for any plain key, and never for SHA-1', () => {
  expect(hostKeyAlgorithms([], 'web-1.example', 22)).toEqual([
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ])
})

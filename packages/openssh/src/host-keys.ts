import { createHmac, timingSafeEqual } from 'node:crypto'
import { isCertificateType, parseCertificate } from './certificate.ts'
import { checkCertificate, type CertificateFlaw } from './check-certificate.ts'
import { keyAt, oneLine } from './key-line.ts'
import { fingerprint, parsePublicKey, type KeyType, type PublicKey } from './public-key.ts'
import { signatureAlgorithms } from './signature.ts'
import { Malformed } from './wire.ts'

/** One line of what is known about hosts. */
export interface KnownHost {
  /** `key`: the host's own. `authority`: it certifies hosts. `revoked`: neither may be believed any more. */
  readonly trust: 'key' | 'authority' | 'revoked'
  /** `known_hosts` patterns, or all hosts where absent. */
  readonly patterns?: string
  readonly key: PublicKey
}

/**
 * Reads lines as `known_hosts` has them (`[@cert-authority|@revoked] PATTERNS TYPE KEY [COMMENT]`), with or without patterns: a key by
 * itself is one of whichever host is asked about. Empty lines and remarks are passed over.
 * @throws Malformed
 * @see sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"
 */
export function parseKnownHosts(lines: readonly string[]): readonly KnownHost[] {
  if (lines.length > maxLines) throw new Malformed(`more than ${maxLines} lines about hosts`)
  return lines.flatMap((line) => {
    const text = oneLine(line)
    return text === '' || text.startsWith('#') ? [] : [knownHost(text)]
  })
}

function knownHost(text: string): KnownHost {
  const [, marker, rest = ''] = /^(?:(@\S+) +)?(.*)$/.exec(text) ?? []
  const trust = marker === undefined ? 'key' : markers[marker]
  if (trust === undefined) throw new Malformed('a marker other than @cert-authority and @revoked')
  const bare = keyAt(rest)
  if (bare !== undefined) return { trust, key: parsePublicKey(bare.blob) }
  const space = rest.indexOf(' ')
  const patterns = space === -1 ? '' : rest.slice(0, space)
  const line = keyAt(rest.slice(space).trimStart())
  if (line === undefined || patterns === '') throw new Malformed('no host key')
  if (patterns.split(',').length > maxPatterns)
    throw new Malformed(`more than ${maxPatterns} patterns in a line`)
  return { trust, patterns, key: parsePublicKey(line.blob) }
}

/** A host as it was asked for, and what it showed. */
export interface ShownHostKey {
  readonly host: string
  readonly port: number
  /** A plain key's or a certificate's. Possession of it is proven by the key exchange, elsewhere. */
  readonly blob: Uint8Array
  readonly nowMs: number
}

/**
 * - `unknown` nothing is known about this host: it is not trusted for being new
 * - `other` other keys are known about it than this one, which is what an attack looks like, and a new installation
 */
export type HostKeyVerdict =
  | { readonly kind: 'trusted'; readonly by: 'key' | 'authority'; readonly fingerprint: string }
  | {
      readonly kind: 'distrusted'
      readonly flaw: 'unknown' | 'other' | 'revoked' | CertificateFlaw
      /** Of what it showed: for whoever compares it with the host's own, and for logs. */
      readonly fingerprint: string
    }

/** The one place that says whether a host is the one that is meant. It throws nothing. */
export function checkHostKey(known: readonly KnownHost[], shown: ShownHostKey): HostKeyVerdict {
  const about = known.filter(
    ({ patterns }) => patterns === undefined || matches(patterns, shown.host, shown.port),
  )
  const blob = Buffer.from(shown.blob)
  const shownFingerprint = fingerprint(blob)
  const distrusted = (flaw: 'unknown' | 'other' | 'revoked' | CertificateFlaw): HostKeyVerdict => ({
    kind: 'distrusted',
    flaw,
    fingerprint: shownFingerprint,
  })
  const isRevoked = (other: Buffer): boolean =>
    about.some(({ trust, key }) => trust === 'revoked' && key.blob.equals(other))
  if (isRevoked(blob)) return distrusted('revoked')
  if (about.some(({ trust, key }) => trust === 'key' && key.blob.equals(blob)))
    return { kind: 'trusted', by: 'key', fingerprint: shownFingerprint }
  const authorities = about.flatMap(({ trust, key }) => (trust === 'authority' ? [key] : []))
  if (authorities.length === 0 || !isCertificateBlob(blob))
    return distrusted(about.some(({ trust }) => trust !== 'revoked') ? 'other' : 'unknown')
  const verdict = checkCertificate(blob, {
    kind: 'host',
    authorities,
    principal: shown.host.toLowerCase(),
    nowMs: shown.nowMs,
    isRevoked: ({ key, authority }) => isRevoked(key.blob) || isRevoked(authority),
  })
  return verdict.kind === 'good'
    ? { kind: 'trusted', by: 'authority', fingerprint: shownFingerprint }
    : distrusted(verdict.flaw)
}

/**
 * The host key algorithms to ask a host for: those by which it can show what is known, best first, so that it does not show another
 * of its keys. All of them where nothing is known.
 */
export function hostKeyAlgorithms(
  known: readonly KnownHost[],
  host: string,
  port: number,
): readonly string[] {
  const about = known.filter(
    ({ trust, patterns }) => trust !== 'revoked' && (patterns === undefined || matches(patterns, host, port)),
  )
  const plain = hostKeyTypes.filter(
    (type) => about.length === 0 || about.some(({ trust, key }) => trust === 'key' && key.type === type),
  )
  const certified = about.some(({ trust }) => trust === 'authority') ? hostKeyTypes : []
  return [
    ...certified.flatMap(signatureAlgorithms).map((name) => `${name}-cert-v01@openssh.com`),
    ...plain.flatMap(signatureAlgorithms),
  ]
}

function isCertificateBlob(blob: Buffer): boolean {
  try {
    return isCertificateType(parseCertificate(blob).type)
  } catch {
    return false
  }
}

/** A host and its port as `known_hosts` writes them, against a list of patterns, of which a negated one decides. */
function matches(patterns: string, host: string, port: number): boolean {
  const bare = host.toLowerCase()
  const name = port === defaultPort ? bare : `[${bare}]:${port}`
  let isIn = false
  for (const pattern of patterns.split(',')) {
    const isNegated = pattern.startsWith('!')
    const isOne = isNegated ? matchesOne(pattern.slice(1), name) : matchesOne(pattern, name)
    if (isOne && isNegated) return false
    isIn ||= isOne
  }
  return isIn
}

function matchesOne(pattern: string, name: string): boolean {
  const [, salt, digest] = /^\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)$/.exec(pattern) ?? []
  if (salt !== undefined && digest !== undefined) {
    const expected = Buffer.from(digest, 'base64')
    const found = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
    return expected.length === found.length && timingSafeEqual(expected, found)
  }
  return matchesWild(pattern.toLowerCase(), name)
}

/** `*` is any characters, `?` is one. Takes time in proportion to both lengths, whatever the pattern is. */
function matchesWild(pattern: string, name: string): boolean {
  let [p, n, star, resumed] = [0, 0, -1, 0]
  while (n < name.length) {
    const char = pattern[p]
    if (char === '*') {
      star = p++
      resumed = n
    } else if (char !== undefined && (char === '?' || char === name[n])) {
      p++
      n++
    } else if (star !== -1) {
      p = star + 1
      n = ++resumed
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

const markers: Readonly<Record<string, KnownHost['trust']>> = {
  '@cert-authority': 'authority',
  '@revoked': 'revoked',
}
/** Of hosts; a security key is somebody's. */
const hostKeyTypes: readonly KeyType[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]
const defaultPort = 22
const maxLines = 1000
const maxPatterns = 64

import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { Fault, type ClientCertificate, type Secret, type UpstreamCredential } from '@sallyport/core'
import { readExactly, secureUpstream } from '@sallyport/wire'
import {
  decodeAuthentication,
  decodeBackendKey,
  decodeErrorFields,
  decodeParameterStatus,
  type Authentication,
} from '../codec/backend.ts'
import { encodePassword, encodeSaslInitial, encodeSaslResponse } from '../codec/frontend.ts'
import { encodeStartup, sslRequest } from '../codec/startup.ts'
import { tag } from '../codec/tags.ts'
import type { PostgresOptions } from '../options.ts'
import { readFrame } from './frames.ts'
import type { ScramKeyring } from './scram-keys.ts'
import { answerScram, checkServerFinal, startScram } from './scram.ts'

/** A connection on which the target awaits the first query. */
export interface LoggedIn {
  readonly stream: Duplex
  /** ParameterStatus and notice frames as they came, for the client. */
  readonly greeting: readonly Buffer[]
  /** Their values, in the session's encoding. */
  readonly parameters: ReadonlyMap<string, Buffer>
  /** The target's own cancel key: never leaves the gateway. */
  readonly cancelKey: Buffer | undefined
}

export interface Target {
  readonly host: string
  readonly tls: PostgresOptions['tls']
}

/** Whom a log-in is for, and what it may use. */
export interface LoginParts {
  readonly target: Target
  readonly credential: UpstreamCredential
  /** Of the start-up message, beside the user. */
  readonly parameters: Readonly<Record<string, string>>
  readonly keyring: ScramKeyring
}

const gone = 'target/closed'

/**
 * TLS inside the tunnel, where the resource asks for it.
 * @param clientCertificate who connects, as far as TLS says it
 * @throws Fault target/bad-certificate, target/malformed; gateway/no-credential where there is nobody to whom a certificate may be shown
 */
export async function secure(
  stream: Duplex,
  target: Target,
  clientCertificate: ClientCertificate | undefined,
  signal: AbortSignal,
): Promise<Duplex> {
  if (clientCertificate !== undefined && target.tls.mode !== 'verify-full')
    throw new Fault(
      'gateway/no-credential',
      'a client certificate is for verified TLS alone: set options.tls.mode of the resource to verify-full',
    )
  if (target.tls.mode === 'disable') return stream
  stream.write(sslRequest)
  const answer = (await readExactly(stream, 1, gone, signal))[0]
  if (answer === 0x4e)
    throw new Fault('target/bad-certificate', 'the target does not offer TLS, which its resource asks for')
  if (answer !== 0x53)
    throw new Fault('target/malformed', 'the target answered the TLS request with neither yes nor no')
  // Anything behind the answer came before TLS and was sent by nobody we know (CVE-2021-23222).
  if (stream.readableLength > 0) throw new Fault('target/malformed', 'the target sent bytes before TLS began')
  const { mode, ca, servername } = target.tls
  return secureUpstream(
    stream,
    {
      mode,
      servername: servername ?? target.host,
      alpn: ['postgresql'],
      ...(ca === undefined ? {} : { ca }),
      ...(clientCertificate !== undefined && { clientCertificate }),
    },
    signal,
  )
}

/**
 * Logs in to a target: TLS, with the account's certificate where it has one; start-up built from scratch; SCRAM-SHA-256 (with channel binding over TLS), md5 or a
 * clear password inside verified TLS.
 * @throws Fault target/login-failed with the target's SQLSTATE alone, never its text
 */
export async function logIn(raw: Duplex, parts: LoginParts, signal: AbortSignal): Promise<LoggedIn> {
  const { target, credential, parameters } = parts
  const { clientCertificate } = credential
  if (credential.isForVerifiedTlsOnly === true && target.tls.mode !== 'verify-full')
    throw new Fault(
      'target/login-failed',
      "the account's credential is sent only inside verified TLS, which the resource does not ask for",
    )
  try {
    const stream = await secure(raw, target, clientCertificate, signal)
    stream.write(encodeStartup({ user: credential.user, ...parameters }))
    await authenticate(stream, parts, signal)
    return await greeting(stream, signal)
  } catch (thrown) {
    throw clientCertificate !== undefined && isAlert(thrown) ? certificateRefused(thrown) : thrown
  }
}

/** TLS 1.3 lets a server look at the client's certificate when the handshake is over for the client. */
function isAlert(thrown: unknown): boolean {
  const cause =
    thrown instanceof Fault ? (thrown.cause as Partial<NodeJS.ErrnoException> | undefined) : undefined
  return /^ERR_SSL_(?:TLSV\d+|SSLV3)_ALERT_/.test(cause?.code ?? '')
}

function certificateRefused(cause: unknown): Fault {
  return new Fault(
    'target/login-failed',
    'the target does not accept the certificate of this account: does it trust the authority (ssl_ca_file)?',
    { cause },
  )
}

async function authenticate(
  stream: Duplex,
  { target, credential, keyring }: LoginParts,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const asked = await nextAuthentication(stream, signal)
    switch (asked.kind) {
      case 'ok':
        return
      case 'cleartext': {
        if (target.tls.mode !== 'verify-full') {
          throw new Fault(
            'target/login-failed',
            'the target asks for a clear password, which is sent only inside verified TLS',
          )
        }
        stream.write(encodePassword(passwordOf(credential).reveal()))
        break
      }
      case 'md5':
        stream.write(encodePassword(md5Answer(credential, asked.salt)))
        break
      case 'sasl':
        await scram(stream, asked.mechanisms, passwordOf(credential), keyring, signal)
        break
      case 'sasl-continue':
      case 'sasl-final':
        throw new Fault('target/malformed', 'the target answered an exchange that was not begun')
      case 'other':
        throw new Fault(
          'target/login-failed',
          `the target asks for an authentication method that is not supported (${asked.code})`,
        )
    }
  }
}

async function scram(
  stream: Duplex,
  mechanisms: readonly string[],
  password: Secret,
  keyring: ScramKeyring,
  signal: AbortSignal,
): Promise<void> {
  const endpointHash = mechanisms.includes('SCRAM-SHA-256-PLUS') ? serverEndPoint(stream) : undefined
  if (endpointHash === undefined && !mechanisms.includes('SCRAM-SHA-256')) {
    throw new Fault('target/login-failed', 'the target offers no SASL mechanism that is supported')
  }
  const start = startScram(randomBytes(18), endpointHash)
  stream.write(encodeSaslInitial(start.mechanism, start.first))
  const first = await nextAuthentication(stream, signal)
  if (first.kind !== 'sasl-continue')
    throw new Fault('target/malformed', 'the target broke off the SCRAM exchange')
  const { final, serverSignature } = await answerScram(start, first.text, password, keyring)
  stream.write(encodeSaslResponse(final))
  const last = await nextAuthentication(stream, signal)
  if (last.kind !== 'sasl-final')
    throw new Fault('target/malformed', 'the target ended the SCRAM exchange without its proof')
  checkServerFinal(last.text, serverSignature)
}

/** RFC 5929 section 4.1: the certificate's hash by its own signature's algorithm; SHA-256 where that is MD5 or SHA-1. */
function serverEndPoint(stream: Duplex): Buffer | undefined {
  const socket = stream as Partial<TLSSocket>
  const der = socket.getPeerX509Certificate?.()?.raw
  const algorithm = der === undefined ? undefined : signatureHash(der)
  return der === undefined || algorithm === undefined ? undefined : createHash(algorithm).update(der).digest()
}

/** Signature algorithm OIDs in DER, and the hash that binds. Others (Ed25519) define none: no channel binding then. */
const hashBySignature: readonly (readonly [string, string])[] = [
  ['2a864886f70d010104', 'sha256'], // md5WithRSA
  ['2a864886f70d010105', 'sha256'], // sha1WithRSA
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d040302', 'sha256'], // ECDSA
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
]

function signatureHash(der: Buffer): string | undefined {
  // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID … } … } (RFC 5280 section 4.1)
  const outer = element(der, 0)
  const tbs = outer && element(der, outer.from)
  const algorithm = tbs && element(der, tbs.to)
  const oid = algorithm && element(der, algorithm.from)
  if (oid === undefined) return undefined
  const hex = der.subarray(oid.from, oid.to).toString('hex')
  return hashBySignature.find(([known]) => known === hex)?.[1]
}

function element(der: Buffer, at: number): { readonly from: number; readonly to: number } | undefined {
  const short = der[at + 1]
  if (short === undefined) return undefined
  if (short < 0x80) return { from: at + 2, to: at + 2 + short }
  const size = short & 0x7f
  if (size === 0 || size > 4 || at + 2 + size > der.length) return undefined
  return { from: at + 2 + size, to: at + 2 + size + der.readUIntBE(at + 2, size) }
}

function md5Answer(credential: UpstreamCredential, salt: Buffer): string {
  const md5 = (...parts: (string | Buffer)[]): string => {
    const hash = createHash('md5')
    for (const part of parts) hash.update(part)
    return hash.digest('hex')
  }
  return `md5${md5(md5(passwordOf(credential).reveal(), credential.user), salt)}`
}

function passwordOf(credential: UpstreamCredential): Secret {
  if (credential.password === undefined) {
    throw new Fault(
      'gateway/no-credential',
      'the target asks for a password, and the account of this resource has none',
    )
  }
  return credential.password
}

async function nextAuthentication(stream: Duplex, signal: AbortSignal): Promise<Authentication> {
  for (;;) {
    const frame = await readFrame(stream, 'server', gone, signal)
    if (frame[0] === tag.authentication) return decodeAuthentication(frame)
    if (frame[0] === tag.error) throw loginFailed(frame)
    if (frame[0] !== tag.notice && frame[0] !== tag.negotiateVersion) {
      throw new Fault('target/malformed', 'the target sent an unexpected message during the log-in')
    }
  }
}

async function greeting(stream: Duplex, signal: AbortSignal): Promise<LoggedIn> {
  const frames: Buffer[] = []
  const parameters = new Map<string, Buffer>()
  let cancelKey: Buffer | undefined
  for (;;) {
    const frame = await readFrame(stream, 'server', gone, signal)
    switch (frame[0]) {
      case tag.ready:
        return { stream, greeting: frames, parameters, cancelKey }
      case tag.parameterStatus: {
        const { name, value } = decodeParameterStatus(frame, 0, frame.length)
        parameters.set(name, value)
        frames.push(frame)
        break
      }
      case tag.backendKey:
        cancelKey = decodeBackendKey(frame)
        break
      case tag.notice:
        frames.push(frame)
        break
      case tag.error:
        throw loginFailed(frame)
      default:
        throw new Fault('target/malformed', 'the target sent an unexpected message after the log-in')
    }
  }
}

/** Errors of the start-up that are about what the client asked for, and tell nothing of the credential. */
const askedFor: Readonly<Record<string, string>> = {
  '3D000': 'the target has no such database',
  '53300': 'the target accepts no more connections',
  '57P03': 'the target is starting up or shutting down',
  '22023': 'the target refuses a start-up parameter',
  '0A000': 'the target does not support what the start-up asks for: a client_encoding, most likely',
}

function loginFailed(frame: Buffer): Fault {
  const fields = decodeErrorFields(frame, 0, frame.length)
  const sqlstate = /^[0-9A-Z]{5}$/.test(fields.get('C') ?? '') ? fields.get('C')! : 'XX000'
  const why =
    askedFor[sqlstate] ?? 'the target refused the log-in of this account; the operators have the details'
  return new Fault('target/login-failed', `${why} (SQLSTATE ${sqlstate})`, {
    cause: new Error(fields.get('M') ?? 'no message'),
  })
}

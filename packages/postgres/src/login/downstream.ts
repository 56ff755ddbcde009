import type { Duplex } from 'node:stream'
import { Fault, Secret, type AuthorizationServer, type Connection, type LoginClaim } from '@sallyport/core'
import { readExactly, readLoginName, secureDownstream } from '@sallyport/wire'
import { askForPassword, encodeNegotiateVersion } from '../codec/backend.ts'
import { decodePassword } from '../codec/frontend.ts'
import {
  checkAcknowledged,
  decodeSaslInitial,
  decodeSaslResponse,
  encodeInvalidToken,
  goOn,
  offerBearer,
  readBearer,
} from '../codec/oauthbearer.ts'
import { decodeOpening, openingLength, type Opening } from '../codec/startup.ts'
import { tag } from '../codec/tags.ts'
import { readFrame } from './frames.ts'
import { readStartup, type StartupRequest } from './parameters.ts'

/** How a client's opening ended: with a claim to judge, a question where to sign in, or as a request to cancel another session's query. */
export type Arrival =
  | {
      readonly kind: 'login'
      readonly stream: Duplex
      readonly claim: LoginClaim
      /** Its token came by OAUTHBEARER: one that is no good is refused in words of that. */
      readonly isBearer: boolean
      readonly startup: StartupRequest
      readonly minor: number
    }
  /** By OAUTHBEARER, without a token: it asks where to get one. */
  | { readonly kind: 'discovery'; readonly stream: Duplex }
  | { readonly kind: 'cancel'; readonly stream: Duplex; readonly key: Buffer }

const gone = 'client/gone'
const newestMinor = 2

/** Faults before the stream is known to be the client's last one carry it, so that they can be worded on it. */
export class ArrivalFault extends Error {
  override readonly name = 'ArrivalFault'
  readonly stream: Duplex
  readonly fault: unknown

  constructor(stream: Duplex, fault: unknown) {
    super('arrival failed')
    this.stream = stream
    this.fault = fault
  }
}

/**
 * The opening of a client's connection, up to its password: GSSENCRequest (answered no), SSLRequest or direct TLS,
 * CancelRequest, start-up, password. No password is asked for outside TLS, loopback excepted.
 * @throws ArrivalFault
 */
export async function arrive(connection: Connection, signal: AbortSignal): Promise<Arrival> {
  let stream: Duplex = connection.stream
  try {
    let isSecure = false
    if (await startsWithTls(stream, signal)) {
      stream = await secureDirectly(connection, signal)
      isSecure = true
    }
    let askedGss = false
    for (;;) {
      const opening = await readOpening(stream, signal)
      switch (opening.kind) {
        case 'gss-request':
          if (askedGss || isSecure)
            throw new Fault('client/out-of-order', 'encryption was negotiated already')
          askedGss = true
          stream.write('N')
          break
        case 'ssl-request':
          if (isSecure) throw new Fault('client/out-of-order', 'encryption was negotiated already')
          // Bytes behind the request came before TLS: whoever sent them is not the client (CVE-2021-23214).
          if (stream.readableLength > 0)
            throw new Fault('client/malformed', 'unencrypted data after the TLS request')
          stream.write('S')
          stream = await secureDownstream(stream, { context: connection.tls, alpn: ['postgresql'] }, signal)
          isSecure = true
          break
        case 'cancel':
          return { kind: 'cancel', stream, key: opening.key }
        case 'startup':
          if (!isSecure && !connection.loopback) {
            throw new Fault(
              'client/tls-required',
              'this gateway accepts TLS connections only; connect with sslmode=require or stricter',
            )
          }
          return await logInRequest(stream, connection, opening, signal)
      }
    }
  } catch (thrown) {
    throw new ArrivalFault(stream, thrown)
  }
}

async function logInRequest(
  stream: Duplex,
  connection: Connection,
  opening: Opening & { readonly kind: 'startup' },
  signal: AbortSignal,
): Promise<Arrival> {
  if (opening.major !== 3) {
    throw new Fault(
      'client/unsupported',
      `protocol ${opening.major}.${opening.minor} is not supported; the gateway speaks 3.0 to 3.${newestMinor}`,
    )
  }
  const startup = readStartup(opening.parameters)
  const minor = Math.min(opening.minor, newestMinor)
  if (opening.minor > newestMinor || startup.unknownOptions.length > 0) {
    stream.write(encodeNegotiateVersion((3 << 16) | minor, startup.unknownOptions))
  }
  const { resource, account } = readLoginName(startup.user)
  const isBearer = startup.auth === 'oauth'
  const credential = isBearer ? await bearerOf(stream, signal) : await passwordOf(stream, signal)
  if (credential === undefined) return { kind: 'discovery', stream }
  const claim: LoginClaim = {
    resource,
    credential,
    clientAddress: connection.address,
    ...(account === undefined ? {} : { account }),
    ...(startup.application === undefined ? {} : { clientApplication: startup.application.slice(0, 63) }),
  }
  return { kind: 'login', stream, claim, isBearer, startup, minor }
}

async function passwordOf(stream: Duplex, signal: AbortSignal): Promise<Secret> {
  stream.write(askForPassword)
  return new Secret(decodePassword(await readAnswer(stream, signal)))
}

/** undefined where the client has no token yet. */
async function bearerOf(stream: Duplex, signal: AbortSignal): Promise<Secret | undefined> {
  stream.write(offerBearer)
  let message = decodeSaslInitial(await readAnswer(stream, signal))
  if (message === undefined) {
    stream.write(goOn)
    message = decodeSaslResponse(await readAnswer(stream, signal))
  }
  const token = readBearer(message)
  return token === undefined ? undefined : new Secret(token)
}

/**
 * Tells a client that there was no token, or no good one, and waits until it has heard that.
 * @throws Fault
 */
export async function refuseBearer(
  stream: Duplex,
  where: AuthorizationServer | undefined,
  signal: AbortSignal,
): Promise<void> {
  stream.write(encodeInvalidToken(where))
  checkAcknowledged(decodeSaslResponse(await readAnswer(stream, signal)))
}

async function readAnswer(stream: Duplex, signal: AbortSignal): Promise<Buffer> {
  const frame = await readFrame(stream, 'client', gone, signal)
  if (frame[0] !== tag.password) throw new Fault('client/out-of-order', 'expected a password')
  return frame
}

async function readOpening(stream: Duplex, signal: AbortSignal): Promise<Opening> {
  const length = openingLength(await readExactly(stream, 4, gone, signal))
  return decodeOpening(await readExactly(stream, length - 4, gone, signal))
}

/** A TLS handshake record begins with 0x16; a start-up packet of at most 10,000 bytes begins with 0x00. */
async function startsWithTls(stream: Duplex, signal: AbortSignal): Promise<boolean> {
  const first = await readExactly(stream, 1, gone, signal)
  stream.unshift(first)
  return first[0] === 0x16
}

/** TLS from the first byte (PostgreSQL 17): ALPN is mandatory there, against cross-protocol attacks. */
async function secureDirectly(connection: Connection, signal: AbortSignal): Promise<Duplex> {
  const socket = await secureDownstream(
    connection.stream,
    { context: connection.tls, alpn: ['postgresql'] },
    signal,
  )
  if (socket.alpnProtocol !== 'postgresql')
    throw new Fault('client/malformed', 'direct TLS needs the ALPN protocol "postgresql"')
  return socket
}

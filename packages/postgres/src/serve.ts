import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import {
  asFault,
  Fault,
  isRefusal,
  refusal,
  type Authorization,
  type BlastRadius,
  type Connection,
  type Gate,
  type Ground,
  type Refusal,
  type Session,
  type Tell,
  type UpstreamCredential,
} from '@sallyport/core'
import { Deadline, relay } from '@sallyport/wire'
import { blastRadiusOf } from './blast-radius.ts'
import { cancelUpstream, mintCancelKey } from './cancel.ts'
import { authenticationOk, encodeBackendKey } from './codec/backend.ts'
import { PostgresConversation } from './conversation/conversation.ts'
import type { Database, Databases } from './databases.ts'
import { ClientEncoding } from './client-encoding.ts'
import { diagnosticsFor } from './diagnostics.ts'
import type { Analyzer } from './facts/analyzer.ts'
import { Judge } from './judge/judge.ts'
import { arrive, ArrivalFault, refuseBearer, type Arrival } from './login/downstream.ts'
import type { ScramKeyring } from './login/scram-keys.ts'
import { logIn, type LoggedIn } from './login/upstream.ts'
import { masksFor } from './mask/masks.ts'
import { Names } from './names.ts'
import type { Judgement, PostgresOperation, Prepared } from './operations.ts'
import { targetOf } from './open-side.ts'
import type { PostgresOptions } from './options.ts'
import { Portals } from './portals.ts'
import { SearchPath } from './search-path.ts'
import { wordBearerRefused, wordError } from './wording.ts'

/** As PostgreSQL's own authentication_timeout: the whole log-in, on both sides. */
const loginMs = 60_000
/** Of it, what the target may take once it is reached. */
const targetMs = 20_000

export interface ServeParts {
  readonly analyzer: Analyzer
  readonly databases: Databases
  /** Of the accounts of every target. */
  readonly keyring: ScramKeyring
  /** For redactors that must be stable and unguessable. */
  readonly maskKey: Uint8Array
}

type Login = Arrival & { readonly kind: 'login' }

/** One connection: log-in on both sides, then the relay. Every refusal and fault is said in the client's protocol. */
export async function serve(
  parts: ServeParts,
  connection: Connection,
  gate: Gate<PostgresOptions>,
  signal: AbortSignal,
): Promise<void> {
  using deadline = new Deadline(loginMs, clientTooSlow, signal)
  let stream = connection.stream
  let broke: Fault | undefined
  try {
    const arrival = await arrive(connection, deadline.signal)
    stream = arrival.stream
    if (arrival.kind === 'cancel') {
      await gate.interrupt(arrival.key, connection.address)
      stream.end()
      return
    }
    if (arrival.kind === 'discovery') {
      const where = await gate.authorizationServer(connection.address)
      if (isRefusal(where)) return sayAndEnd(stream, where)
      await refuseBearer(stream, where, deadline.signal)
      return sayAndEnd(stream, noToken, wordBearerRefused(noToken))
    }
    const opened = await gate.open(arrival.claim)
    if (isRefusal(opened)) {
      if (!arrival.isBearer || opened.code !== 'invalid-credential') return sayAndEnd(stream, opened)
      await refuseBearer(stream, undefined, deadline.signal)
      return sayAndEnd(stream, opened, wordBearerRefused(opened))
    }
    await using session = opened
    const target = await reach(parts.keyring, arrival, session, deadline.signal)
    // Both sides are logged in: from here on a session takes what time it likes.
    deadline[Symbol.dispose]()
    try {
      broke = await converse(parts, arrival, session, gate, target)
    } catch (thrown) {
      session.ended(causeOf(thrown).code, 0, 0)
      throw thrown
    } finally {
      // The relay has ended it; where it never began, nobody else does.
      target.stream.destroy()
    }
  } catch (thrown) {
    if (thrown instanceof ArrivalFault) stream = thrown.stream
    const cause = causeOf(thrown instanceof ArrivalFault ? thrown.fault : thrown)
    sayAndEnd(stream, cause)
    if (cause instanceof Fault) broke = cause
  }
  if (broke !== undefined) throw broke
}

function causeOf(thrown: unknown): Fault | Refusal {
  if (thrown instanceof RefusedLate) return thrown.refusal
  if (isRefusal(thrown)) return thrown
  return asFault(thrown)
}

const noToken = refusal(
  'invalid-credential',
  'there was no access token',
  'connect again with one of the authorization server that was named',
)

function sayAndEnd(stream: Duplex, cause: Fault | Refusal, words = wordError('FATAL', cause)): void {
  stream.on('error', () => stream.destroy())
  if (!stream.writable) return void stream.destroy()
  // What the client still sends is read and forgotten, or the close would reset its unread last words.
  stream.resume()
  stream.end(words, () => stream.destroy())
}

/** A target that awaits the first query. Sessions may be idle for hours: what only their beginning needs is not kept. */
interface Reached {
  readonly stream: Duplex
  readonly cancelKey: Buffer | undefined
  readonly showsCertificate: boolean
  /** For the client, who takes it. */
  readonly greeting: Buffer[]
  /** As the target knows who has logged in. */
  readonly as: Pick<UpstreamCredential, 'user' | 'actsAs'>
  /** Undefined where the target does not report it. */
  readonly searchPath: string | undefined
  readonly encoding: ClientEncoding
  readonly database: string
}

/** Logs in to the target. */
async function reach(
  keyring: ScramKeyring,
  arrival: Login,
  session: Session<PostgresOptions>,
  deadline: AbortSignal,
): Promise<Reached> {
  using patience = new Deadline(targetMs, targetTooSlow, deadline, session.signal)
  const database = databaseName(arrival, session.resource.options)
  let dialled: Duplex | undefined
  try {
    dialled = await session.dial()
    const parameters = { ...arrival.startup.parameters, database }
    const target = targetOf(session)
    const credential = await session.credential()
    const upstream = await logIn(dialled, { target, credential, parameters, keyring }, patience.signal)
    const { stream, cancelKey } = upstream
    const greeting = [...upstream.greeting]
    const showsCertificate = credential.clientCertificate !== undefined
    const { user, actsAs } = credential
    const as = { user, ...(actsAs !== undefined && { actsAs }) }
    const known = asLoggedIn(arrival, upstream)
    return { stream, cancelKey, showsCertificate, greeting, as, ...known, database }
  } catch (thrown) {
    dialled?.destroy()
    const cause = causeOf(
      session.signal.aborted ? session.signal.reason : patience.isLate ? targetTooSlow() : thrown,
    )
    session.ended(cause.code, 0, 0)
    throw cause instanceof Fault ? cause : new RefusedLate(cause)
  }
}

/** What the target reported, checked. */
function asLoggedIn({ startup }: Login, { parameters }: LoggedIn): Pick<Reached, 'searchPath' | 'encoding'> {
  const asked = startup.parameters['client_encoding'] ?? 'UTF8'
  const encoding = new ClientEncoding(asked, parameters.get('server_encoding')?.toString('latin1') ?? '')
  for (const [name, value] of parameters) checkSetting(name, encoding.current.show(value), encoding)
  const searchPath = parameters.get('search_path')
  return { encoding, searchPath: searchPath === undefined ? undefined : encoding.current.show(searchPath) }
}

function clientTooSlow(): Fault {
  return new Fault('client/too-slow', `the log-in took longer than ${loginMs / 1000} s`)
}

function targetTooSlow(): Fault {
  return new Fault('target/too-slow', `the target did not complete the log-in within ${targetMs / 1000} s`)
}

/** The session was ended while its log-in was under way. */
class RefusedLate extends Error {
  readonly refusal: Refusal

  constructor(refused: Refusal) {
    super(refused.code)
    this.refusal = refused
  }
}

/** libpq names the user as the database where it is told none; here that is the resource, and its own default is meant. */
function databaseName(arrival: Login, options: PostgresOptions): string {
  const { database, user } = arrival.startup
  return database === user ? (options.database ?? database) : database
}

/** From the greeting to the end. @returns the fault that ended it, already said to the client */
async function converse(
  parts: ServeParts,
  arrival: Login,
  session: Session<PostgresOptions>,
  gate: Gate<PostgresOptions>,
  {
    stream: upstream,
    cancelKey,
    showsCertificate,
    greeting,
    as,
    searchPath: reportedPath,
    encoding,
    database: databaseName,
  }: Reached,
): Promise<Fault | undefined> {
  using database = parts.databases.for(session, databaseName)
  const searchPath = await firstSearchPath(session, as, reportedPath, database)
  const statements = new Names<Prepared>()
  const portals = new Portals()
  const { catalog, masking } = database
  const conversation = new PostgresConversation({
    marker: `sallyport_refused_${randomBytes(12).toString('hex')}`,
    sessionId: session.id,
    masks: masksFor(masking, catalog, parts.maskKey, encoding),
    diagnostics: () => diagnosticsFor(masking, session.maskedTags()),
    statements,
    portals,
    searchPath,
    encoding,
    stands: (permit, facts) => session.stands(permit, facts),
    finish: (permit, outcome) => session.finish(permit, outcome),
    setting(name, value) {
      if (name === 'search_path') searchPath.reported(value)
      else checkSetting(name, value, encoding)
    },
    catalogChanged: () => catalog.invalidate(),
  })
  const judge = new Judge({
    analyzer: parts.analyzer,
    catalog,
    database: databaseName,
    account: session.account,
    masking,
    searchPath,
    encoding,
    isIdle: () => conversation.isIdle,
    statements,
    portals,
  })

  const ground: Ground = {
    renew: () => catalog.refresh(),
    versions: (facts) => facts.flatMap((each) => catalog.versionsOf(each)),
  }
  const estimate = { session, database: databaseName, keyring: parts.keyring, searchPath, encoding }
  const blastRadius = function (this: PostgresOperation, signal: AbortSignal): Promise<BlastRadius> {
    return blastRadiusOf(estimate, this, signal)
  }
  let hold = new AbortController()
  let isHeld = false
  const withdraw = (): void => {
    hold.abort()
    hold = new AbortController()
  }
  const permitted = (
    asked: PostgresOperation,
    judged: Judgement | Refusal,
    tell: Tell,
  ): Authorization | Promise<Authorization> => {
    if (isRefusal(judged)) return session.refuse(asked, judged)
    asked.judgement = judged
    asked.ground = ground
    asked.blastRadius = blastRadius
    const answer = session.authorize(asked, judged.facts, tell, hold.signal)
    if (!(answer instanceof Promise)) return answer
    isHeld = true
    return answer.finally(() => (isHeld = false))
  }
  // hot path: synchronous while the catalogue is fresh and the statement known.
  const authorize = (asked: PostgresOperation, tell: Tell): Authorization | Promise<Authorization> => {
    if (!catalog.isFresh) return catalog.refresh().then(() => authorizeFresh(asked, tell))
    return authorizeFresh(asked, tell)
  }
  const authorizeFresh = (asked: PostgresOperation, tell: Tell): Authorization | Promise<Authorization> => {
    const judged = judge.judge(asked)
    return judged instanceof Promise
      ? judged.then((known) => permitted(asked, known, tell))
      : permitted(asked, judged, tell)
  }

  const key = mintCancelKey(arrival.minor, cancelKey)
  using _registered = gate.interrupts.register(key, () => {
    if (isHeld) withdraw()
    else if (conversation.isBusy && cancelKey !== undefined) {
      // A cancel has no answer: whether it came through shows in the query.
      cancelUpstream(session, targetOf(session), cancelKey, showsCertificate).catch(() => undefined)
    }
  })

  arrival.stream.write(
    Buffer.concat([authenticationOk, ...greeting.splice(0), encodeBackendKey(key), readyAndIdle]),
  )
  const end = await relay({
    downstream: arrival.stream,
    upstream,
    conversation,
    authorize,
    commit: () => session.commit(),
    clientGone: withdraw,
    signal: session.signal,
  })
  if (session.signal.aborted && conversation.isBusy && cancelKey !== undefined) {
    await cancelUpstream(session, targetOf(session), cancelKey, showsCertificate).catch(() => undefined)
  }
  conversation.abandon()
  session.ended(typeof end.cause === 'string' ? end.cause : end.cause.code, end.bytesUp, end.bytesDown)
  return end.cause instanceof Fault ? end.cause : undefined
}

/** As whom the session acts, `$user` in its path says. */
async function firstSearchPath(
  session: Session<PostgresOptions>,
  { user, actsAs }: Reached['as'],
  reported: string | undefined,
  database: Database,
): Promise<SearchPath> {
  const isKnown = actsAs !== undefined || user === session.account
  if (isKnown && reported !== undefined) return new SearchPath(actsAs ?? user, reported)
  const begun = await database.beginning(user)
  return new SearchPath(actsAs ?? begun.actsAs ?? user, reported ?? begun.searchPath)
}

/**
 * Statements are judged in the session's encoding, with standard strings. A session in which the server reads them otherwise ends.
 * @throws Fault
 */
function checkSetting(name: string, value: string, encoding: ClientEncoding): void {
  if (name === 'client_encoding') encoding.reported(value)
  if (name === 'standard_conforming_strings' && value !== 'on') {
    throw new Fault(
      'client/unsupported',
      'standard_conforming_strings must stay on: statements are judged by it',
    )
  }
}

/** ReadyForQuery, idle. */
const readyAndIdle = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

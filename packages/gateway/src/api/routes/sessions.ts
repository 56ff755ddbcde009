import {
  isDelegated,
  isRefusal,
  principalId,
  type Clock,
  type OperationId,
  type SessionId,
  type Subject,
} from '@sallyport/core'
import { asciicastOf, type Ran, type Recordings } from '@sallyport/recording'
import type { SessionRow, Store } from '@sallyport/store'
import { notFound, ProblemError, refused } from '../../front/problem.ts'
import type { Plane } from '../../start/plane.ts'
import { isOwnSession, type Authorize } from '../authorize.ts'
import type { NounRoutes } from '../implementation.ts'
import type { SessionSearch } from '../session-search.ts'
import { actorView, person, time } from '../views.ts'
import { eventLine, linesOf, type Standing } from './watch.ts'

export interface SessionParts {
  readonly store: Store
  readonly recordings: Pick<Recordings, 'read' | 'export' | 'verify'>
  readonly search: Pick<SessionSearch, 'find'>
  readonly authorize: Authorize
  readonly live: Pick<Plane, 'kill' | 'watch' | 'stillWatching'>
  readonly standing: Omit<Standing, 'mayReplay'>
  readonly clock: Clock
}

export function sessionRoutes({
  store,
  recordings,
  search,
  authorize,
  live: liveSessions,
  standing,
  clock,
}: SessionParts): NounRoutes<'sessions'> {
  return {
    list: async ({ user, resource, live, since, ran, before, limit }, { caller, gone }) => {
      const wanted = user === undefined ? undefined : user.includes(':') ? user : principalId('user', user)
      const own = caller.subject.principal.id
      const seesOthers = await authorize.mayReplayOn(caller.subject, resource)
      if (!seesOthers && wanted !== undefined && wanted !== own) return { items: [] }
      const principal = seesOthers ? wanted : own
      const filter = {
        ...(isDelegated(caller.subject) && { token: caller.token.id }),
        ...(principal === undefined ? {} : { principalId: principal }),
        ...(resource === undefined ? {} : { resource }),
        ...(live ? { live } : {}),
        ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
      }
      const sessions = (beforeId: SessionId | undefined, most: number) =>
        store.read.sessions.list({ ...filter, limit: most, ...(beforeId !== undefined && { beforeId }) })
      const from = before as SessionId | undefined
      if (ran === undefined) return { items: (await sessions(from, limit)).map(sessionView) }
      const mayLook = ({ id }: SessionRow): Promise<boolean> => authorize.mayReplay(caller, id)
      const found = await search.find({ text: ran, limit, sessions, mayLook, gone }, from)
      if (isRefusal(found)) throw refused(found)
      // Not for what: people search for secrets that got where they should not be.
      await looked(store, caller.subject, `${found.searched} sessions searched for what was run in them`)
      return {
        items: found.found.map(({ session, ran }) => ({ ...sessionView(session), ran: ran.map(ranView) })),
        search: { sessions: found.searched, ...(found.before && { before: found.before }) },
      }
    },
    get: async ({ id }) => sessionView(await existing(store, id)),
    events: async function* ({ id }, { caller }) {
      const { id: session } = await existing(store, id)
      await looked(store, caller.subject, `session ${session} replayed`)
      for await (const event of recordings.read(session)) yield eventLine(event)
    },
    watch: async ({ id }, { caller, gone }) => {
      const { id: session } = await existing(store, id)
      const watch = await liveSessions.watch(session, caller.subject)
      if (watch === undefined)
        throw new ProblemError('conflict', 'the session has ended, or as many watch it as may')
      try {
        await looked(store, caller.subject, `session ${session} watched`)
      } catch (thrown) {
        watch.leave('it could not be noted')
        throw thrown
      }
      const mayReplay = (): Promise<boolean> => authorize.mayReplay(caller, session)
      const lines = linesOf(watch, { caller, gone }, { ...standing, mayReplay }, clock)
      return endingWith(lines, () => looked(store, caller.subject, `session ${session} not watched any more`))
    },
    stillWatching: async ({ id, watch }, { caller }) => {
      if (!(await liveSessions.stillWatching(id, watch, caller.subject))) throw notFound('watch')
    },
    asciicast: async function* ({ id, operation }, { caller }) {
      const { id: session } = await existing(store, id)
      await looked(store, caller.subject, `session ${session} replayed`)
      for await (const line of asciicastOf(recordings.read(session), operation as OperationId | undefined))
        yield Buffer.from(`${JSON.stringify(line)}\n`)
    },
    export: async function* ({ id }, { caller }) {
      const { id: session } = await existing(store, id)
      await looked(store, caller.subject, `session ${session} exported`)
      yield* recordings.export(session)
    },
    verify: async ({ id }) => {
      const { state, events, detail } = await recordings.verify((await existing(store, id)).id)
      return { state, events, detail }
    },
    kill: async ({ id, reason }, { caller }) => {
      const session = await store.read.sessions.get(id)
      const mayKill =
        session !== undefined && (isOwnSession(caller, session) || authorize.mayAdminister(caller.subject))
      if (!mayKill) throw notFound('session')
      if (!(await liveSessions.kill(session.id, caller.subject, reason))) {
        throw new ProblemError('conflict', 'the session has ended already')
      }
    },
  }
}

async function existing(store: Store, id: string): Promise<SessionRow> {
  const row = await store.read.sessions.get(id)
  if (row === undefined) throw notFound('session')
  return row
}

async function* endingWith<T>(items: AsyncIterable<T>, last: () => Promise<void>): AsyncGenerator<T> {
  try {
    yield* items
  } finally {
    await last()
  }
}

/** Who looked at what, in the audit log. */
function looked(store: Store, by: Subject, what: string): Promise<void> {
  return store.write(by, 'sessions', (tx) => {
    tx.note(what, { kind: 'session' })
    return Promise.resolve()
  })
}

function ranView({ at, operation, text, isSeen }: Ran) {
  return {
    at: time(at),
    operation,
    text: text.slice(0, maxTextCharacters),
    by: isSeen ? ('seen' as const) : ('operation' as const),
  }
}

const maxTextCharacters = 2000

function sessionView(row: SessionRow) {
  return {
    id: row.id,
    principal: person(row.principal),
    actor: actorView(row.actor),
    resource: row.resource,
    protocol: row.protocol,
    account: row.account,
    clientAddress: row.clientAddress,
    startedAt: time(row.startedAt),
    ...(row.endedAt === null ? {} : { endedAt: time(row.endedAt) }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    live: row.endedAt === null,
    operations: row.operations,
    ...(row.grantId === null ? {} : { grant: row.grantId }),
  }
}

import { z } from 'zod'
import { Actor, Flag, Id, Limit, Name, Person, Time } from './fields.ts'
import { json, lines, nothing, route } from './route.ts'

export const SessionView = z
  .object({
    id: Id,
    principal: Person,
    actor: Actor,
    resource: z.string(),
    protocol: z.string(),
    account: z.string(),
    clientAddress: z.string(),
    startedAt: Time,
    endedAt: Time.optional(),
    /** Why it ended: `client-left`, `target-left`, `interrupted`, or a refusal's or fault's code. */
    reason: z.string().optional(),
    live: z.boolean(),
    operations: z.number().int(),
    /** The grant that it stands or stood on. */
    grant: Id.optional(),
  })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof SessionView>

/** Something that was run in a session, and has what was looked for in it. */
const Ran = z
  .object({
    at: Time,
    operation: z.number().int(),
    text: z.string(),
    /** `operation`: it was. `seen`: it stood on a terminal's screen, which proves nothing. */
    by: z.enum(['operation', 'seen']),
  })
  .meta({ id: 'Ran' })

const FoundSession = SessionView.extend({
  /** The first five, where something was looked for. */
  ran: z.array(Ran).optional(),
}).meta({ id: 'FoundSession' })
export type FoundSession = z.infer<typeof FoundSession>

/** How far recordings were looked through. */
const Search = z
  .object({
    sessions: z.number().int(),
    /** There are older ones that were not: ask again for those before this one. */
    before: Id.optional(),
  })
  .meta({ id: 'SessionSearch' })

/** One event of a recording, in order, as the recording holds it; binary values as `base64:…`. */
export const RecordedLine = z
  .looseObject({
    sequence: z.number().int(),
    at: Time,
    kind: z.string(),
  })
  .meta({ id: 'RecordedEvent' })
export type RecordedLine = z.infer<typeof RecordedLine>

const Verdict = z
  .object({
    /** `sound`: whole, in order, and signed by this gateway. `open`: still being written, sound so far. */
    state: z.enum(['sound', 'open', 'interrupted', 'broken']),
    events: z.number().int(),
    detail: z.string(),
  })
  .meta({ id: 'RecordingVerdict' })

const person = { kind: 'user', id: 'user:alice', name: 'alice' } as const
const session: SessionView = {
  id: 'ses_1',
  principal: person,
  actor: person,
  resource: 'orders-db',
  protocol: 'postgres',
  account: 'app_ro',
  clientAddress: '10.0.0.9:40112',
  startedAt: '2026-01-01T00:00:00Z',
  live: true,
  operations: 4,
}
const params = z.strictObject({ id: Id })

export const sessions = {
  list: route({
    method: 'GET',
    path: '/sessions',
    auth: 'token',
    forActors: true,
    summary:
      'My sessions, newest first; administrators and replayers see those of others. With ran, those in which that was run; who searched is audited',
    query: z.strictObject({
      /** A principal's id or name. */
      user: z.string().max(128).optional(),
      resource: Name.optional(),
      live: Flag,
      since: Time.optional(),
      /** In which something was run that has this in it: looks through recordings, for 5 s at most, with best effort. */
      ran: z.string().min(2).max(200).optional(),
      /** Older than this one. */
      before: Id.optional(),
      limit: Limit,
    }),
    answer: json(z.object({ items: z.array(FoundSession), search: Search.optional() })),
    example: { output: { items: [session] } },
  }),
  get: route({
    method: 'GET',
    path: '/sessions/{id}',
    auth: 'replay',
    forActors: true,
    summary: 'One session',
    params,
    answer: json(SessionView),
    example: { input: { id: 'ses_1' }, output: session },
  }),
  events: route({
    method: 'GET',
    path: '/sessions/{id}/events',
    auth: 'replay',
    forActors: true,
    summary: 'What happened in it, an event a line; who looked is audited',
    params,
    answer: lines(RecordedLine),
    example: {
      input: { id: 'ses_1' },
      output: { sequence: 2, at: '2026-01-01T00:00:01Z', kind: 'operation', text: 'select 1' },
    },
  }),
  watch: route({
    method: 'GET',
    path: '/sessions/{id}/watch',
    auth: 'replay',
    summary:
      'What happens in it from now on, an event a line, until it ends; say still-watching every 10 s. Who watches is audited',
    params,
    answer: lines(RecordedLine),
    example: {
      input: { id: 'ses_1' },
      output: { sequence: 0, at: '2026-01-01T00:00:01Z', kind: 'watching', watch: '8f2c' },
    },
  }),
  stillWatching: route({
    method: 'POST',
    path: '/sessions/{id}/still-watching',
    auth: 'replay',
    summary: 'I am still there: who is not heard of for 30 s does not watch any more',
    params,
    body: z.strictObject({
      /** As the first line of `watch` names it. */
      watch: z.string().max(64),
    }),
    answer: nothing,
    example: { input: { id: 'ses_1', watch: '8f2c' } },
  }),
  asciicast: route({
    method: 'GET',
    path: '/sessions/{id}/asciicast',
    auth: 'replay',
    forActors: true,
    summary: 'What a terminal of it showed, as an asciicast v2; who looked is audited',
    params,
    query: z.strictObject({
      /** The operation whose terminal it is; the first that has one where absent. */
      operation: z.coerce.number().int().positive().optional(),
    }),
    answer: { as: 'file', status: 200, mediaType: 'application/x-asciicast' },
    example: { input: { id: 'ses_1', operation: 1 } },
  }),
  export: route({
    method: 'GET',
    path: '/sessions/{id}/export',
    auth: 'replay',
    forActors: true,
    summary: 'The recording as one file that can be verified with nothing but the public key',
    params,
    answer: { as: 'file', status: 200, mediaType: 'application/vnd.sallyport.recording' },
    example: { input: { id: 'ses_1' } },
  }),
  verify: route({
    method: 'GET',
    path: '/sessions/{id}/verify',
    auth: 'replay',
    forActors: true,
    summary: 'Check the recording where it lies: chain, seal and signature',
    params,
    answer: json(Verdict),
    example: {
      input: { id: 'ses_1' },
      output: { state: 'sound', events: 12, detail: '12 events, sealed and signed' },
    },
  }),
  kill: route({
    method: 'POST',
    path: '/sessions/{id}/kill',
    auth: 'token',
    forActors: true,
    summary: 'End a live session at once: my own, or any (administrators)',
    params,
    body: z.strictObject({ reason: z.string().max(200).optional() }),
    answer: nothing,
    example: { input: { id: 'ses_1', reason: 'runaway query' } },
  }),
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RecordingEvent } from '@sallyport/core'
import { bind, execute, parse, query, sync } from '../world/raw-messages.ts'
import { fieldsOf, wordsOf, type RawFrame, type RawPostgres } from '../world/raw-postgres.ts'
import { soon } from '../world/soon.ts'
import { byApprovals } from './attacks/approvals.ts'
import { Arena } from './attacks/arena.ts'
import type { Attempt, Must, Who } from './attacks/attempts/attempt.ts'
import { groups } from './attacks/attempts/all.ts'
import { byGenerated } from './attacks/generated.ts'
import { byPipelines } from './attacks/pipelines.ts'
import { traceOf } from './attacks/attempts/traces.ts'

/** What one attempt left of the session, the next does not find. */
const clean = ['rollback', 'reset all', 'deallocate all'].map(query)

describe('attempts to run what is forbidden and to read what is masked', () => {
  const arena = new Arena()
  const clients = new Map<Who, RawPostgres>()
  beforeAll(arena.open)
  afterAll(() => arena[Symbol.asyncDispose]())

  /** A session serves many attempts, until one of them ends it. */
  async function clientOf(who: Who): Promise<RawPostgres> {
    const known = clients.get(who)
    if (known !== undefined && !known.isOver) return known
    const client = await arena.connect(who)
    clients.set(who, client)
    return client
  }

  async function said(who: Who, bytes: readonly Buffer[]): Promise<RawFrame[]> {
    const client = await clientOf(who)
    client.send(...bytes)
    const isClean = bytes === clean
    return await client.untilReady(isClean ? clean.length : 1).catch(() => client.untilOver())
  }

  async function run({ who, sql: written }: Attempt): Promise<RawFrame[]> {
    const sql = arena.textOf(written)
    const frames = await said(who, [query(sql)])
    await said(who, clean)
    const extended = await said(who, [parse(sql), bind([], { results: [1] }), execute(), sync()])
    await said(who, clean)
    expect(traceOf(extended)).toBeUndefined()
    return frames
  }

  describe.each(groups)('by $by', ({ attempts }) => {
    test.each(attempts)('$name', async (attempt) => {
      const frames = await run(attempt)
      expect(traceOf(frames)).toBeUndefined()
      expect(outcomeOf(frames, attempt.must)).toBe(attempt.must)
      expect(await arena.change()).toBeUndefined()
    })
  })

  byPipelines(arena)
  byApprovals(arena)
  byGenerated(arena)

  test('what was tried is in the recordings: the refusal, or which masked columns it touched', async () => {
    for (const client of clients.values()) await client[Symbol.asyncDispose]()
    const { admin } = arena.sallyport
    const notes = new Map<string, string[]>()
    const sessions = await soon(async () => {
      const { items } = await admin.client.sessions.list({ limit: 200 })
      return items.some(({ live }) => live) ? undefined : items
    })
    for (const { id } of sessions) {
      const texts = new Map<number, string>()
      for await (const line of admin.client.sessions.events({ id })) {
        const event = line as unknown as RecordingEvent // as the recording's format has it
        if (event.kind === 'operation') {
          texts.set(event.id, event.text)
          const columns = event.facts.flatMap(({ context }) => context['columns'] as readonly string[])
          note(notes, event.text, [event.effect, ...columns])
        } else if (event.kind === 'result')
          note(notes, texts.get(event.id) ?? '', event.outcome.maskedColumns)
      }
    }
    const silent = groups.flatMap(({ attempts }) =>
      attempts
        .map(({ sql, must }) => ({ sql: arena.textOf(sql), must }))
        .filter(({ sql, must }) => !isNoted(notes.get(sql) ?? [], must)),
    )
    expect(silent).toEqual([])
  })
})

function note(notes: Map<string, string[]>, text: string, words: readonly string[]): void {
  notes.set(text, [...(notes.get(text) ?? []), ...words])
}

/** What there is beside `allow`: `deny`, or the names of columns. */
function isNoted(words: readonly string[], must: Must): boolean {
  if (must === 'refused') return words.includes('deny')
  return must === 'passes' || must.startsWith('fails') || words.some((word) => word !== 'allow')
}

/** As what is expected, where it is that. */
function outcomeOf(frames: readonly RawFrame[], must: Must): string {
  const error = frames.find(({ tag }) => tag === 'E')
  const isRefused = error !== undefined && wordsOf(error).includes(' sallyport: ')
  const outcome = isRefused
    ? 'refused'
    : error !== undefined
      ? `fails ${fieldsOf(error)['C']}`
      : frames.some(({ tag }) => tag === 'D' || tag === 'd')
        ? 'masked'
        : 'passes'
  if (must === 'hidden' && (outcome === 'refused' || outcome === 'masked')) return must
  return must === 'passes' && outcome === 'masked' ? must : outcome
}

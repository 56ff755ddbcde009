import { setTimeout } from 'node:timers/promises'
import type { AuditEntry, Clock } from '@sallyport/core'
import type { Readers } from '@sallyport/store'
import type { Authorize } from '../authorize.ts'
import type { Caller, NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'
import type { Standing } from './watch.ts'

export interface AuditParts {
  readonly read: Pick<Readers, 'audit'>
  readonly authorize: Pick<Authorize, 'mayAdminister'>
  readonly standing: Omit<Standing, 'mayReplay'>
  readonly clock: Clock
}

export function auditRoutes(parts: AuditParts): NounRoutes<'audit'> {
  const { read } = parts
  return {
    list: async ({ limit }) => ({ items: (await read.audit.list(limit)).map(view) }),
    export: ({ from, follow }, { caller, gone }) =>
      follow ? followedBy(parts, from, caller, gone) : entriesFrom(read.audit, from, undefined),
    verify: async () => read.audit.verify(),
  }
}

function view({ seq, at, kind, by, principal, actor, address, why, changes }: AuditEntry) {
  return {
    sequence: seq,
    at: time(at),
    ...(kind !== null && { kind }),
    by,
    ...(principal !== null && { principal }),
    ...(actor !== null && { actor }),
    ...(address !== null && { address }),
    why,
    changes: [...changes],
  }
}

/** Until nobody listens any more, or may: their token, their groups or the policies are others, or it has expired. */
async function* followedBy(
  { read, authorize, standing, clock }: AuditParts,
  from: number,
  caller: Caller,
  gone: AbortSignal,
): AsyncGenerator<ChainedEntry> {
  const over = new AbortController()
  const end = (): void => over.abort()
  using _token = standing.watch(caller, end)
  using _policies = standing.onPolicies(() => {
    if (!authorize.mayAdminister(caller.subject)) end()
  })
  const expiry = globalThis.setTimeout(end, caller.token.expiresAtMs - clock.now())
  try {
    yield* entriesFrom(read.audit, from, AbortSignal.any([gone, over.signal]))
  } finally {
    clearTimeout(expiry)
  }
}

type ChainedEntry = AuditEntry & { changes: string[] }

/** @param gone where it is to go on until that */
async function* entriesFrom(
  audit: Readers['audit'],
  from: number,
  gone: AbortSignal | undefined,
): AsyncGenerator<ChainedEntry> {
  for (let last = from - 1; ;) {
    const page = await audit.after(last, pageEntries)
    if (gone?.aborted === true) return
    for (const entry of page) yield { ...entry, changes: [...entry.changes] }
    last = page.at(-1)?.seq ?? last
    if (page.length === pageEntries) continue
    if (gone === undefined) return
    await setTimeout(lookMs, undefined, { signal: gone }).catch(() => undefined)
  }
}

const pageEntries = 500
const lookMs = 500

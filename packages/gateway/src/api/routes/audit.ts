import { setTimeout } from 'node:timers/promises'
import type { AuditEntry } from '@sallyport/core'
import type { Readers } from '@sallyport/store'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export function auditRoutes(read: Pick<Readers, 'audit'>): NounRoutes<'audit'> {
  return {
    list: async ({ limit }) => ({ items: (await read.audit.list(limit)).map(view) }),
    export: ({ from, follow }, { gone }) => entriesFrom(read.audit, from, follow ? gone : undefined),
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

/** @param gone where it is to go on until nobody listens any more */
async function* entriesFrom(
  audit: Readers['audit'],
  from: number,
  gone: AbortSignal | undefined,
): AsyncGenerator<AuditEntry & { changes: string[] }> {
  for (let last = from - 1; ;) {
    const page = await audit.after(last, pageEntries)
    for (const entry of page) yield { ...entry, changes: [...entry.changes] }
    last = page.at(-1)?.seq ?? last
    if (page.length === pageEntries) continue
    if (gone === undefined || gone.aborted) return
    await setTimeout(lookMs, undefined, { signal: gone }).catch(() => undefined)
  }
}

const pageEntries = 500
const lookMs = 500

import type { Bed } from '../bed.ts'
import { untilNothing } from './until-nothing.ts'

/** Waits until nothing of the sessions is left, at the gateway and at the target. @returns what stays, in words */
export function quiet(bed: Bed): Promise<string[]> {
  return untilNothing(async () => {
    const text = await (await fetch(`http://127.0.0.1:${bed.sallyport.ports.metrics}/metrics`)).text()
    const sum = (name: string): number =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'))].reduce(
        (total, [, value]) => total + Number(value),
        0,
      )
    const connections = await bed.target.query(connectionsText)
    // The gateway asks about the catalogue on one of its own, which it keeps for a few seconds.
    const sides = connections.filter(({ name }) => name === 'sallyport')
    const others = connections.filter(({ name }) => name !== 'sallyport')
    return [
      ...over('live sessions at the gateway', sum('sallyport_sessions_live')),
      ...over('client connections at the gateway', sum('sallyport_client_connections')),
      ...others.map(
        ({ state, query: last }) =>
          `a connection at the target when nobody is there: ${String(state)}, ${String(last)}`,
      ),
      ...over('connections about the catalogue beside the first', Math.max(0, sides.length - 1)),
    ]
  })
}

const connectionsText = `select application_name as name, state, left(query, 80) as query from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid()`

function over(what: string, count: number): string[] {
  return count === 0 ? [] : [`${count} ${what} when nobody is there`]
}

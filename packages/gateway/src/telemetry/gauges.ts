import { Gauge, type Registry } from 'prom-client'

/** What a gauge shows is asked for when it is read: never stale, nothing to keep in step. */
export interface Gauges {
  liveSessions(): Iterable<{ readonly protocol: string }>
  agents(): Iterable<{ readonly pool: string; readonly roundTripMs?: number | undefined }>
  connections(): number
}

/** Adds them to what is shown. */
export function addGauges(registry: Registry, gauges: Gauges): void {
  const registers = [registry]
  new Gauge({
    name: 'sallyport_sessions_live',
    help: 'Sessions in progress',
    labelNames: ['protocol'],
    registers,
    collect() {
      this.reset()
      for (const { protocol } of gauges.liveSessions()) this.inc({ protocol })
    },
  })
  new Gauge({
    name: 'sallyport_agents_attached',
    help: 'Agents with a tunnel',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset()
      for (const { pool } of gauges.agents()) this.inc({ pool })
    },
  })
  new Gauge({
    name: 'sallyport_tunnel_round_trip_seconds',
    help: 'Slowest tunnel of each pool, at its last measurement',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset()
      const slowest = new Map<string, number>()
      for (const { pool, roundTripMs } of gauges.agents()) {
        if (roundTripMs !== undefined) slowest.set(pool, Math.max(roundTripMs, slowest.get(pool) ?? 0))
      }
      for (const [pool, ms] of slowest) this.set({ pool }, ms / 1000)
    },
  })
  new Gauge({
    name: 'sallyport_client_connections',
    help: 'Client connections, those before log-in included',
    registers,
    collect() {
      this.set(gauges.connections())
    },
  })
}

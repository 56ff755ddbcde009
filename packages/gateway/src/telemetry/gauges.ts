import { statfs } from 'node:fs/promises'
import type { CacheUse } from '@sallyport/core'
import { Counter, Gauge, type Registry } from 'prom-client'

/** What a gauge shows is asked for when it is read: never stale, nothing to keep in step, nothing to pay meanwhile. */
export interface Gauges {
  liveSessions(): Iterable<{ readonly protocol: string }>
  agents(): Iterable<AttachedGauge>
  /** Client connections, those before log-in included. */
  connections(): number
  /** Bytes of each protocol's clients since the start; up is towards targets. */
  clientBytes(): Iterable<{ readonly protocol: string; readonly up: number; readonly down: number }>
  caches(): Iterable<Readonly<CacheUse>>
  journalBytes(): number
  isRecorderFailing(): boolean
  isDraining(): boolean
  /** By what each is for, in milliseconds since 1970. */
  certificates(): Readonly<Record<string, number>>
  readonly dataDirectory: string
}

interface AttachedGauge {
  readonly pool: string
  readonly roundTripMs?: number | undefined
  readonly streams: number
}

/** Adds them to what is shown. Where several processes' numbers are put together, each says how: as a sum unless it says so. */
export function addGauges(registry: Registry, gauges: Gauges): void {
  addClients([registry], gauges)
  addAgents([registry], gauges)
  addHealth([registry], gauges)
}

function addClients(registers: Registry[], gauges: Gauges): void {
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
    name: 'sallyport_client_connections',
    help: 'Client connections, those before log-in included',
    registers,
    collect() {
      this.set(gauges.connections())
    },
  })
  new Counter({
    name: 'sallyport_client_bytes_total',
    help: 'Bytes on connections of clients, TLS included; up is towards targets',
    labelNames: ['protocol', 'direction'],
    registers,
    collect() {
      this.reset()
      for (const { protocol, up, down } of gauges.clientBytes()) {
        this.inc({ protocol, direction: 'up' }, up)
        this.inc({ protocol, direction: 'down' }, down)
      }
    },
  })
  new Counter({
    name: 'sallyport_cache_lookups_total',
    help: 'What was asked of caches, and whether they had it',
    labelNames: ['cache', 'result'],
    registers,
    collect() {
      this.reset()
      for (const { name, hits, misses } of gauges.caches()) {
        this.inc({ cache: name, result: 'hit' }, hits)
        this.inc({ cache: name, result: 'miss' }, misses)
      }
    },
  })
}

/** Each agent is attached to every process of a gateway: its own numbers are not summed. */
function addAgents(registers: Registry[], gauges: Gauges): void {
  new Gauge({
    name: 'sallyport_agents_attached',
    help: 'Agents with a tunnel',
    labelNames: ['pool'],
    aggregator: 'max',
    registers,
    collect() {
      this.reset()
      for (const { pool } of gauges.agents()) this.inc({ pool })
    },
  })
  new Gauge({
    name: 'sallyport_tunnel_streams',
    help: 'Connections to targets that agents carry',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset()
      for (const { pool, streams } of gauges.agents()) this.inc({ pool }, streams)
    },
  })
  new Gauge({
    name: 'sallyport_tunnel_round_trip_seconds',
    help: 'Slowest tunnel of each pool, at its last measurement',
    labelNames: ['pool'],
    aggregator: 'max',
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
}

function addHealth(registers: Registry[], gauges: Gauges): void {
  new Gauge({
    name: 'sallyport_journal_bytes',
    help: 'Journal that waits to be durable in the recordings themselves, about',
    registers,
    collect() {
      this.set(gauges.journalBytes())
    },
  })
  new Gauge({
    name: 'sallyport_recorder_failing',
    help: '1 while nothing can be recorded, and so nothing runs',
    aggregator: 'max',
    registers,
    collect() {
      this.set(Number(gauges.isRecorderFailing()))
    },
  })
  new Gauge({
    name: 'sallyport_draining',
    help: '1 while no new sessions are let in, because the gateway is about to stop',
    aggregator: 'max',
    registers,
    collect() {
      this.set(Number(gauges.isDraining()))
    },
  })
  new Gauge({
    name: 'sallyport_data_directory_free_bytes',
    help: 'What may still be written where store and recordings lie',
    aggregator: 'min',
    registers,
    async collect() {
      // What cannot be known of one must not hide all others.
      const found = await statfs(gauges.dataDirectory).catch(() => undefined)
      this.set(found === undefined ? Number.NaN : found.bavail * found.bsize)
    },
  })
  new Gauge({
    name: 'sallyport_certificate_not_after_timestamp_seconds',
    help: 'When certificates expire, in seconds since 1970: of the server, as clients see it, and of our own authority',
    labelNames: ['certificate'],
    aggregator: 'min',
    registers,
    collect() {
      for (const [certificate, ms] of Object.entries(gauges.certificates()))
        this.set({ certificate }, ms / 1000)
    },
  })
}

/**
 * `node reader-process.ts STREAMS QUERY`, with the endpoint as JSON in BENCH_ENDPOINT: asks the same on so many connections at once,
 * reads all answers to their ends, and prints what came as JSON.
 */
import type { Endpoint } from '../../world/endpoint.ts'
import { query } from '../../world/raw-messages.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import { RowCounter } from './row-counter.ts'

export interface WhatWasRead {
  /** Of all streams together. */
  readonly rows: number
  readonly bytes: number
  /** From the first question to the last answer, log-ins apart. */
  readonly seconds: number
}

const [streams, text] = process.argv.slice(2)
const endpoint = JSON.parse(process.env['BENCH_ENDPOINT'] ?? '') as Endpoint // written by the bench
const clients = await Promise.all(
  Array.from({ length: Number(streams) }, () => RawPostgres.connect(endpoint)),
)
const begin = performance.now()
const counters = await Promise.all(clients.map((client) => readAll(client, text!)))
const seconds = (performance.now() - begin) / 1000
const sum = (what: 'rows' | 'bytes'): number => counters.reduce((all, counter) => all + counter[what], 0)
const read: WhatWasRead = { rows: sum('rows'), bytes: sum('bytes'), seconds }
process.stdout.write(`${JSON.stringify(read)}\n`)
process.exit() // sessions end with their sockets

function readAll(client: RawPostgres, question: string): Promise<RowCounter> {
  const counter = new RowCounter()
  const stream = client.detach()
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      try {
        counter.take(chunk)
      } catch (error) {
        reject(error)
      }
      if (counter.ready === 1) resolve(counter)
    })
    stream.on('close', () => reject(new Error(`the connection ended after ${counter.rows} rows`)))
    stream.write(query(question))
    stream.resume()
  })
}

/**
 * `node idle-process.ts SESSIONS AT_ONCE`, with the endpoint as JSON in BENCH_ENDPOINT: logs in so many times, says `open`, and stays
 * until its input ends.
 */
import { once } from 'node:events'
import type { Endpoint } from '../../world/endpoint.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'

const [sessions = NaN, atOnce = NaN] = process.argv.slice(2).map(Number)
const endpoint = JSON.parse(process.env['BENCH_ENDPOINT'] ?? '') as Endpoint // written by the bench
const open: RawPostgres[] = []
let asked = 0

async function openMore(): Promise<void> {
  while (asked < sessions) {
    asked++
    open.push(await RawPostgres.connect(endpoint))
  }
}

await Promise.all(Array.from({ length: atOnce }, openMore))
process.stdout.write('open\n')
process.stdin.resume()
await once(process.stdin, 'end')
if (open.some((session) => session.isOver)) throw new Error('a session that was idle was ended')
process.stdout.write('idle all the while\n')
process.exit()

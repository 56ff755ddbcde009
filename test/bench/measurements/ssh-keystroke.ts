import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { atMost, type Measurement, type Reading } from '../measurement.ts'
import type { SshWay } from '../route.ts'

const name = 'SSH, keystroke'

/** A key is pressed in a terminal, and its echo comes back: what people feel. */
export const sshKeystroke: Measurement = {
  setting: 'ssh',
  routes: ['direct', 'sallyport'],
  rows: [
    { name: `${name}, p50`, figure: 'p50Ms', unit: 'ms', better: 'lower', targets: [atMost(5, 'ms')] },
    { name: `${name}, p99`, figure: 'p99Ms', unit: 'ms', better: 'lower', targets: [] },
  ],
  measure: (route, { seconds }) => typed(route.ssh!, seconds),
}

async function typed({ options, environment }: SshWay, seconds: number): Promise<Reading> {
  const client = spawn('ssh', [...options, '-tt', 'gateway', 'stty -icanon min 1; cat > /dev/null'], {
    env: { ...environment, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const times: number[] = []
    // Its terminal echoes at once, whatever the program behind it does.
    await echoOf(client.stdin, client.stdout, 'a')
    const until = performance.now() + seconds * 1000
    while (performance.now() < until) {
      times.push(await echoOf(client.stdin, client.stdout, 'x'))
      await sleep(pauseMs)
    }
    times.sort((a, b) => a - b)
    const at = (part: number): number => times[Math.floor(times.length * part)]!
    return { figures: { p50Ms: at(0.5), p99Ms: at(0.99) } }
  } finally {
    client.kill()
  }
}

async function echoOf(
  stdin: NodeJS.WritableStream,
  stdout: NodeJS.ReadableStream,
  key: string,
): Promise<number> {
  const begin = performance.now()
  const limit = AbortSignal.timeout(20_000)
  stdin.write(key)
  for (;;) {
    const [chunk] = (await once(stdout as NodeJS.EventEmitter, 'data', { signal: limit })) as [Buffer]
    if (chunk.includes(key)) return performance.now() - begin
  }
}

/** As fast as nobody types, and slow enough for each to be alone. */
const pauseMs = 5

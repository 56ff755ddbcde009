import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

const given = new Set<number>()

/** Of two test files that run at once, one has the even ports and one the odd. */
const parity = Number(process.env['VITEST_POOL_ID'] ?? 0) % 2

/**
 * A port that was free a moment ago, on the loopback address, and is given out once. It is below those that the system takes for
 * outgoing connections, of which one could be made before whoever asked listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    if (port % 2 !== parity || given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

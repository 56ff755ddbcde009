import { createServer } from 'node:net'
import { freePort } from '../world/ports.ts'
import type { Ports } from '../world/sallyport.ts'

const usual: Ports = { api: 8443, agents: 8444, metrics: 9464, postgres: 15432, ssh: 2222 }

/** The usual ports; free ones in place of those that are taken. @param told hears of each that is */
export async function demoPorts(told: (line: string) => void): Promise<Ports> {
  const chosen: Record<string, number> = {}
  for (const [name, port] of Object.entries(usual)) {
    const isFree = await canListen(port)
    chosen[name] = isFree ? port : await freePort()
    if (!isFree) told(`port ${port} (${name}) is taken, using ${chosen[name]} instead`)
  }
  return chosen as unknown as Ports
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

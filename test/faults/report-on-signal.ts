/** Loaded into gateway and agent before the program: on SIGUSR2 they say what they hold, after a full garbage collection. */
import { flushCompileCache } from 'node:module'

let reports = 0

process.on('SIGUSR2', () => {
  flushCompileCache() // one that is killed does not do it at its end
  globalThis.gc?.()
  const resources: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1
  const { heapUsed, external } = process.memoryUsage()
  process.stdout.write(
    `held ${++reports} ${JSON.stringify({ memoryBytes: heapUsed + external, resources })}\n`,
  )
})

/** The program of a data process: see DataProcesses, which starts it. */
import { DataProcess } from './data-process.ts'

// What the terminal or the service manager says to all processes at once is for the control process to hear.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

const own = new DataProcess({
  channel: process,
  environment: process.env,
  output: process.stdout,
  exit: (code) => process.exit(code),
})
process.once('disconnect', () => own.orphaned())

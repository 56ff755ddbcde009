#!/usr/bin/env node
import { exit } from './failure.ts'
import { cannotRun } from './node-version.ts'
import { run } from './program.ts'

const unfit = cannotRun(process.versions.node)
if (unfit === undefined)
  process.exitCode = await run(process.argv.slice(2), {
    environment: process.env,
    input: process.stdin,
    output: process.stdout,
    errors: process.stderr,
    signals: process,
    now: () => Date.now(),
  })
else {
  process.stderr.write(unfit)
  process.exitCode = exit.usage
}

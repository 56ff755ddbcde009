/** `npm run soak`: does anything grow, leak or break when people come and go all day? */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { howToGetClients } from '../world/postgres-binaries.ts'
import { helpText, readOptions, type SoakOptions } from './options.ts'
import { reportPage } from './report/page.ts'
import { summaryOf } from './report/summary.ts'
import { availableVisits, isGood, soak } from './run.ts'

const tellEveryMs = 10_000
const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(helpText)
else if (!existsSync('/proc/self/fd')) fail('The soak reads /proc: it runs on Linux.')
else await main(options)

async function main(chosen: SoakOptions): Promise<void> {
  if (availableVisits().every(({ needs }) => needs === undefined))
    process.stderr.write(`without psql and pgbench: ${howToGetClients}\n`)
  const findings = await soak(chosen, progress())
  if (chosen.report !== undefined) await writeFile(chosen.report, reportPage(findings))
  if (chosen.json !== undefined) await writeFile(chosen.json, `${JSON.stringify(findings, undefined, 2)}\n`)
  process.stdout.write(`${summaryOf(findings)}\n`)
  if (chosen.report !== undefined) process.stdout.write(`\nreport: ${chosen.report}\n`)
  if (!isGood(findings)) process.exitCode = 1
}

/** One line that changes on a terminal; elsewhere one every so often. */
function progress(): (line: string) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY
  return (line) => {
    if (process.stderr.isTTY) return void process.stderr.write(`\r\u001B[K${line}`)
    if (performance.now() - toldAtMs < tellEveryMs) return
    toldAtMs = performance.now()
    process.stderr.write(`${line}\n`)
  }
}

function fail(words: string): void {
  process.stderr.write(`${words}\n`)
  process.exitCode = 1
}

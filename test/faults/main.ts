/** `npm run faults`: what breaks, and whether anything is lost by it. */
import { writeFile } from 'node:fs/promises'
import { Campaign, type Verdict } from './campaign.ts'
import { helpText, readOptions, type FaultOptions } from './options.ts'
import { schedule } from './schedule.ts'
import { linesOf, summaryOf } from './verdict-lines.ts'

const options = readOptions(process.argv.slice(2))
if (options === 'help') process.stdout.write(helpText)
else await breakEverything(options)

async function breakEverything(chosen: FaultOptions): Promise<void> {
  const points = schedule(chosen)
  const verdicts: Verdict[] = []
  const report = (): Promise<void> =>
    chosen.json === undefined
      ? Promise.resolve()
      : writeFile(chosen.json, `${JSON.stringify({ seed: chosen.seed, verdicts }, undefined, 2)}\n`)
  await using campaign = new Campaign()
  process.stdout.write(`${points.length} faults, seed ${chosen.seed}\n`)
  for (const [index, { fault, seed }] of points.entries()) {
    const verdict = await campaign.run(fault, seed)
    verdicts.push(verdict)
    process.stdout.write(`${linesOf(verdict, index + 1, points.length)}\n`)
    await report()
  }
  process.stdout.write(`\n${summaryOf(verdicts)}\n`)
  if (verdicts.some(({ findings }) => findings.length > 0)) process.exitCode = 1
}

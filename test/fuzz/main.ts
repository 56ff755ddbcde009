/** `npm run fuzz`: looks for inputs that break what must hold, target by target. */
import { readFile } from 'node:fs/promises'
import { saveFinding } from './findings.ts'
import { helpText, readOptions, type FuzzOptions } from './options.ts'
import type { Progress } from './search.ts'
import type { Target } from './target.ts'
import { targetNamed, targetNames } from './targets.ts'
import { watchedSearch } from './watch.ts'

process.exitCode = await main()

async function main(): Promise<0 | 1 | 2> {
  let options
  let targets: Target[]
  try {
    options = readOptions(process.argv.slice(2))
    if (options === 'help') return say(helpText)
    const names = options === 'list' || options.targets.length === 0 ? targetNames : options.targets
    targets = await Promise.all(names.map(targetNamed))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 2
  }
  if (options === 'list')
    return say(targets.map(({ name, promise }) => `${name.padEnd(16)}${promise}\n`).join(''))
  if (options.replay !== undefined) return replay(targets[0]!, options.replay, options.servers)
  say(`seed ${options.seed}\n`)
  let found = 0
  for (const target of targets) found += await run(target, options)
  return found === 0 ? 0 : 1
}

async function run(target: Target, options: FuzzOptions): Promise<number> {
  if (target.needsServers && !options.servers) {
    say(`${target.name}: left out, nothing of it can be tried without servers\n`)
    return 0
  }
  const progress = await watchedSearch(
    target,
    {
      servers: options.servers,
      seed: options.seed,
      units: options.runs ?? target.units.long,
      lastsMs: (options.seconds ?? Infinity) * 1000,
    },
    (so) => process.stderr.write(`  ${lineOf(target, so)}\n`),
  )
  say(`${lineOf(target, progress)}\n`)
  for (const finding of progress.findings) {
    const file = saveFinding(options.directory, finding)
    say(
      `  ${finding.words.replaceAll('\n', '\n  ')}\n  again: npm run fuzz -- --target ${target.name} --replay ${file}\n`,
    )
  }
  return progress.findings.length
}

function lineOf(target: Target, { inputs, units, corpus, blocks, seconds, findings }: Progress): string {
  const rate = seconds > 0 ? Math.round(units / seconds) : 0
  const of = target.unit === 'inputs' ? '' : ` in ${inputs} inputs`
  return `${target.name}: ${units} ${target.unit}${of}, ${seconds.toFixed(1)} s, ${rate}/s, corpus ${corpus}, ${blocks} blocks, ${findings.length} findings`
}

async function replay(target: Target, file: string, servers: boolean): Promise<0 | 1> {
  const input = await readFile(file)
  await using subject = await target.open({ servers })
  try {
    await subject.run(input)
  } catch (thrown) {
    say(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`)
    return 1
  }
  return say('it holds\n')
}

function say(text: string): 0 {
  process.stdout.write(text)
  return 0
}

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { PolicyProblem, PolicyText } from '@sallyport/policy'
import { command, type MakeCommand } from '../../command.ts'
import { exit, Failure } from '../../failure.ts'
import { Printer, type PrintOptions } from '../../printer.ts'

export const check: MakeCommand = (surroundings, done) =>
  command('check', 'mistakes in Cedar files, with file, line and column', [
    'sallyport policy check policies/',
  ])
    .argument('<path...>', 'Cedar files, or folders of them')
    .action(async (paths: readonly string[], options: PrintOptions) => {
      const { checkPolicies } = await import('@sallyport/policy')
      const files = await readPolicyFiles(paths, '.cedar')
      const problems = checkPolicies(files, await vocabulary())
      new Printer(surroundings, options).result(problems, () =>
        problems.length === 0 ? `${files.length} files, no mistakes.\n` : problems.map(problemLine).join(''),
      )
      if (problems.some(({ severity }) => severity === 'error')) done(exit.failed)
    })

export const test: MakeCommand = (surroundings, done) =>
  command('test', 'run the cases beside policy files', [
    'sallyport policy test policies/   # *.cedar against *.cases.yaml',
  ])
    .argument('<path...>', 'folders with *.cedar and *.cases.yaml files')
    .action(async (paths: readonly string[], options: PrintOptions) => {
      const { compilePolicies, runPolicyTests, PolicyError } = await import('@sallyport/policy')
      const printer = new Printer(surroundings, options)
      const cases = await readPolicyFiles(paths, '.cases.yaml')
      if (cases.length === 0) throw new Failure('there are no *.cases.yaml files', { exitCode: exit.usage })
      try {
        const { detectorTags } = await import('@sallyport/gateway')
        const point = compilePolicies({
          policies: await readPolicyFiles(paths, '.cedar'),
          vocabulary: await vocabulary(),
          version: 'test',
          detectorTags,
        })
        const report = runPolicyTests(point, cases)
        printer.result(report, () => {
          const failed = report.results.filter(({ passed }) => !passed)
          const lines = failed.map(
            (it) =>
              `${printer.style('red', 'FAILED')} ${it.file}:${it.line} ${it.name}\n  ${it.message.replaceAll('\n', '\n  ')}\n`,
          )
          return `${report.problems.map(problemLine).join('')}${lines.join('')}${report.passed} passed, ${report.failed} failed\n`
        })
        if (report.failed > 0 || report.problems.length > 0) done(exit.failed)
      } catch (thrown) {
        if (!(thrown instanceof PolicyError)) throw thrown
        printer.result(thrown.problems, () => thrown.problems.map(problemLine).join(''))
        done(exit.failed)
      }
    })

export const presets: MakeCommand = (surroundings) =>
  command('presets', 'policies that ship with Sallyport, to read and to copy', [
    'sallyport policy presets',
    'sallyport policy presets no-unfiltered-writes > policies/no-unfiltered-writes.cedar',
  ])
    .argument('[name]', 'print this one')
    .action(async (name: string | undefined, options: PrintOptions) => {
      const { presets } = await import('@sallyport/policy')
      const printer = new Printer(surroundings, options)
      if (name === undefined) {
        return printer.result(
          presets.map(({ name, meaning }) => ({ name, meaning })),
          () => presets.map((it) => `${it.name.padEnd(26)}${it.meaning}\n`).join(''),
        )
      }
      const preset = presets.find((it) => it.name === name)
      if (preset === undefined)
        throw new Failure(`no preset is called ${name}`, {
          exitCode: exit.usage,
          next: 'sallyport policy presets',
        })
      printer.result(preset, () => preset.text)
    })

/** What the protocols of this release let policies say. */
async function vocabulary() {
  const { vocabularyOfProtocols } = await import('@sallyport/gateway')
  return vocabularyOfProtocols
}

function problemLine({ file, line, column, message, severity }: PolicyProblem): string {
  return `${file}:${line}:${column} ${severity}: ${message}\n`
}

async function readPolicyFiles(paths: readonly string[], ending: string): Promise<PolicyText[]> {
  const files: string[] = []
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) throw new Failure(`no such file: ${path}`, { exitCode: exit.usage })
    if (found.isDirectory()) files.push(...(await readdir(path)).toSorted().map((name) => join(path, name)))
    else files.push(path)
  }
  const wanted = files.filter((file) => basename(file).endsWith(ending))
  return Promise.all(wanted.map(async (file) => ({ name: file, text: await readFile(file, 'utf8') })))
}

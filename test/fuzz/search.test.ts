import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import { Random, Tape } from './random.ts'
import { search } from './search.ts'
import { must, type Subject, type Target } from './target.ts'
import { deepSecret } from './testing/deep-secret.ts'

const target: Target = {
  name: 'toy',
  promise: 'nothing',
  unit: 'inputs',
  units: { long: 1, short: 1 },
  guide: /test\/fuzz\/testing\/deep-secret/,
  maxBytes: 64,
  slowMs: 100,
  open: () => Promise.resolve(subjectOf(() => undefined)),
}

function subjectOf(run: (input: Buffer) => void): Subject {
  return {
    seeds: [Buffer.from('seed')],
    words: [],
    run: (input) => {
      run(input)
      return 1
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

const options = { seed: 1, units: 2_000, lastsMs: 60_000 }

// The first of all: V8 counts the blocks of what is compiled while it counts.
test('inputs that reach new code are kept, and others are not', async () => {
  const seeds = ['s', 'F', 'G', 'FU', 'FF'].map((text) => Buffer.from(text))
  const subject = { ...subjectOf((input) => void deepSecret(input)), seeds }
  const { corpus } = await search(target, subject, { ...options, units: 500 })
  // Chance may add the last step.
  expect([3, 4]).toContain(corpus)
})

test('a find is made as small as it can be', async () => {
  const subject = {
    ...subjectOf((input) => must(!deepSecret(input), () => 'the secret is out')),
    seeds: [Buffer.from('FUZZY')],
  }
  const { findings } = await search(target, subject, options)
  expect(findings.map(({ input }) => input.toString())).toEqual(['FUZ'])
  expect(findings[0]!.words).toContain('the secret is out')
})

test('without a find it ends after so many units, with none', async () => {
  const { units, inputs, findings } = await search(
    target,
    subjectOf(() => undefined),
    { ...options, units: 1_000 },
  )
  expect(units).toBe(1_000)
  expect(inputs).toBe(1_000)
  expect(findings).toEqual([])
})

test('an input that takes too much processor time is a find', async () => {
  const slow = subjectOf((input) => {
    const before = process.threadCpuUsage()
    while (input[0] === 0x73 && process.threadCpuUsage(before).user < 200_000) JSON.stringify(input)
  })
  const { findings } = await search(target, slow, { ...options, units: 10 })
  expect(findings[0]?.words).toContain('slow')
})

test('the same seed makes the same choices, and the same bytes the same tape', () => {
  const numbers = (seed: number): number[] =>
    Array.from(
      { length: 50 },
      (
        (random) => () =>
          random.below(1000)
      )(new Random(seed)),
    )
  expect(numbers(7)).toEqual(numbers(7))
  expect(numbers(7)).not.toEqual(numbers(8))
  const tape = new Tape(Buffer.from([5, 300 & 0xff, 1]))
  expect([tape.below(10), tape.below(1), tape.below(4), tape.isAtEnd]).toEqual([5, 0, 0, false])
  expect([tape.below(2), tape.isAtEnd, tape.below(9)]).toEqual([1, true, 0])
})

const main = new URL('main.ts', import.meta.url).pathname

test(
  'the command saves what it finds, says how to run it again, and exits 1',
  { timeout: 300_000 },
  async () => {
    await using directory = await temporaryDirectory()
    const findings = join(directory.path, 'findings')
    const args = ['--target', 'selftest', '--runs', '20000', '--seed', '1', '--findings', findings]
    const { code, stdout } = await run(process.execPath, [main, ...args], { timeoutMs: 240_000 })
    expect(stdout).toMatch(/^seed 1\nselftest: \d+ inputs/)
    expect(code).toBe(1)
    const [file = ''] = readdirSync(findings).filter((name) => name.endsWith('.bin'))
    expect(stdout).toContain(`--target selftest --replay ${join(findings, file)}`)
    expect(readFileSync(join(findings, file.replace('bin', 'txt')), 'utf8')).toContain('Broken')
    const again = await run(process.execPath, [
      main,
      '--target',
      'selftest',
      '--replay',
      join(findings, file),
    ])
    expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining('Broken') })
  },
)

test('the command explains itself, and refuses what it does not know', { timeout: 300_000 }, async () => {
  const help = await run(process.execPath, [main, '--help'])
  expect(help).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('npm run fuzz -- --target conversation'),
  })
  const list = await run(process.execPath, [main, '--list'])
  expect(list.stdout).toMatch(/^conversation +whatever either side says/m)
  const wrong = await run(process.execPath, [main, '--target', 'nosuch'])
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no target nosuch') })
})

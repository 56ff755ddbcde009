import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'

const main = new URL('../soak/main.ts', import.meta.url).pathname
const isLinux = process.platform === 'linux'

test.runIf(isLinux)(
  'a short soak comes to its end: clients of every kind, an agent restarted, nothing lost, nothing left',
  { timeout: 300_000 },
  async () => {
    await using directory = await temporaryDirectory()
    const report = join(directory.path, 'soak.html')
    const json = join(directory.path, 'soak.json')
    const { code, stdout, stderr } = await run(
      process.execPath,
      [main, '--minutes', '0.2', '--report', report, '--json', json],
      { timeoutMs: 280_000 },
    )
    expect(`${stdout}${stderr}exit ${code}`).toMatch(/exit 0$/)
    const found = JSON.parse(await readFile(json, 'utf8')) as {
      samples: unknown[]
      judged: { verdict: { state: string } }[]
      invariants: { holds: boolean }[]
      load: { tallies: { came: number }[]; restarts: unknown[] }
    }
    expect(found.samples.length).toBeGreaterThan(10)
    expect(found.judged.map(({ verdict }) => verdict.state)).toContain('too short')
    expect(found.invariants.every(({ holds }) => holds)).toBe(true)
    expect(found.load.tallies.filter(({ came }) => came > 0).length).toBeGreaterThan(10)
    expect(found.load.restarts.length).toBeGreaterThan(0)
    const page = await readFile(report, 'utf8')
    expect(page.match(/<svg /g)).toHaveLength(found.judged.length)
    expect(page).not.toMatch(/<script|src=|href=|NaN|undefined/)
  },
)

test('the soak says what it can do, and refuses what makes no sense', async () => {
  const help = await run(process.execPath, [main, '--help'])
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--minutes') })
  const wrong = await run(process.execPath, [main, '--minutes', 'many'])
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--minutes must be a number above 0'),
  })
})

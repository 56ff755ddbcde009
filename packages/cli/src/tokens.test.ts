import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Surroundings } from './surroundings.ts'
import { ordersFile, password, sallyport, startAskedGateway, type AskedGateway } from './testing/commands.ts'

/** A whole gateway, on a busy machine. */
const startMs = 60_000

let asked: AskedGateway
let alice: Surroundings['environment']
beforeAll(async () => {
  asked = await startAskedGateway()
  const { directory, gateway, root } = asked
  const fingerprint = gateway.authority!.fingerprint
  const setUp = ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint]
  await sallyport(setUp, root, password)
  await writeFile(join(directory, 'orders.yaml'), ordersFile)
  await writeFile(
    join(directory, 'p.cedar'),
    '@id("all") permit (principal in Group::"staff", action, resource);\n',
  )
  const files = ['-f', join(directory, 'orders.yaml'), '-f', join(directory, 'p.cedar')]
  await sallyport(['apply', ...files, '--yes'], root)
  const added = await sallyport(['users', 'add', 'alice', '--group', 'staff', '--json'], root)
  const { setupLink } = JSON.parse(added.out) as { setupLink: { url: string } }
  alice = { SALLYPORT_STATE_HOME: join(directory, 'alice') }
  await sallyport(['login', '--setup', setupLink.url, '--fingerprint', fingerprint], alice, password)
}, startMs)
afterAll(() => asked[Symbol.asyncDispose]())

const tokenIds = async (): Promise<string[]> => {
  const { out } = await sallyport(['tokens', '--json'], alice)
  return (JSON.parse(out) as { id: string }[]).map(({ id }) => id)
}

test('what the page about AI agents shows is what comes', async () => {
  const page = await readFile(new URL('../../../docs/ai-agents.md', import.meta.url), 'utf8')
  const blocks = [...page.matchAll(/```console\n([^]*?)```/g)].map(([, block = '']) => block)
  const steps = blocks.flatMap((block) => block.split(/^\$ /m).slice(1))
  expect(steps).toHaveLength(4)
  for (const step of steps) {
    const [line = '', ...shown] = step.trimEnd().split('\n')
    const [id = ''] = await tokenIds()
    const { code, out, err } = await sallyport(line.replace('tok_…', id).split(' ').slice(1), alice)
    const said = (out + err).trim().split('\n')
    expect({ line, code, lines: said.length }).toEqual({ line, code: 0, lines: shown.length })
    for (const [i, expected] of shown.entries()) {
      const pattern = expected.split('…').map((text) => text.replace(/[^\w ]/g, '\\$&').replaceAll(' ', ' +'))
      expect(said[i]).toMatch(new RegExp(`^${pattern.join('.+')}$`))
    }
  }
})

test('an agent’s token is shown for whom it is, and how narrow', async () => {
  const own = ['--for-agent', 'claude', '--resource', 'orders-db', '--account', 'app', '--no-reviews']
  const { out } = await sallyport(
    ['token', 'create', ...own, '--action', 'read', '--label', 'nightly'],
    alice,
  )
  const agent = { ...alice, SALLYPORT_TOKEN: out.trim() }
  expect((await sallyport(['whoami'], agent)).out).toMatch(
    /^claude for alice \(staff\) at https:.*\nnarrowed to orders-db as app to read without asking anybody\n$/,
  )
  const further = await sallyport(['tokens', 'create', '--for-agent', 'helper', '--ttl', '60'], agent)
  const helper = { ...alice, SALLYPORT_TOKEN: further.out.trim() }
  expect((await sallyport(['whoami'], helper)).out).toMatch(/^helper via claude for alice /)
  expect((await sallyport(['tokens'], alice)).out).toMatch(
    / helper via claude for alice +helper +orders-db as app/,
  )
  expect(await sallyport(['tokens', 'create'], agent)).toMatchObject({ code: 4 })
})

test('a limit that is passed is named, once', async () => {
  const asked = await sallyport(['tokens', 'create', '--for-agent', 'claude', '--ttl', '13h'], alice)
  expect(asked.err).toBe('error: ttlSeconds: at most 43200\n')
  const short = await sallyport(['tokens', 'create', '--for-agent', 'claude', '--ttl', '1'], alice)
  expect(short.err).toBe('error: ttlSeconds: at least 60\n')
})

test('a user gets a new link, is shut out, and is let in again', async () => {
  const { root } = asked
  const first = await sallyport(['users', 'add', 'dora'], root)
  const second = await sallyport(['users', 'setup-link', 'dora'], root)
  expect(second.out).toMatch(/^Give dora this link; it serves once, until \S+:\n {2}https:\S+\n$/)
  expect(second.out).not.toBe(first.out)
  const state = async () => /^dora +(\S+)/m.exec((await sallyport(['users'], root)).out)?.[1]
  expect(await state()).toBe('invited')
  await sallyport(['users', 'disable', 'dora'], root)
  expect(await state()).toBe('disabled')
  expect(await sallyport(['users', 'enable', 'dora'], root)).toMatchObject({ code: 0 })
  expect(await state()).toBe('invited')
})

test.each([
  [['--read-only'], 'only a token for an agent is narrowed'],
  [['--for-agent', 'claude', '--ttl', 'long'], 'long is no length of time'],
  [['--for-agent', 'Claude'], ''],
  [['--for-agent', 'claude', '--resource', 'nowhere'], ''],
  [['--for-agent', 'claude', '--action', 'reed'], 'there is no action reed'],
])('a token is not made for %j', async (options, why) => {
  const { code, out, err } = await sallyport(['tokens', 'create', ...options], alice)
  expect(code).not.toBe(0)
  expect(out).toBe('')
  expect(err).toContain(why)
})

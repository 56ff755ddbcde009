import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import type { Command } from 'commander'
import type { RunningGateway } from '@sallyport/gateway'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { program } from './program.ts'
import type { Surroundings } from './surroundings.ts'
import { ordersFile, password, sallyport, startAskedGateway, type AskedGateway } from './testing/commands.ts'

const nothing = {
  environment: {},
  input: Readable.from([]),
  output: new PassThrough(),
  errors: new PassThrough(),
  signals: process,
  now: () => 0,
}
const whole = await program(nothing, () => undefined)

describe('every command', () => {
  const all: [string, Command][] = []
  const collect = (command: Command, path: string): void => {
    for (const one of command.commands) {
      if (one.commands.length === 0) all.push([`${path} ${one.name()}`.trim(), one])
      collect(one, `${path} ${one.name()}`.trim())
    }
  }
  collect(whole, '')

  test.each(all)('%s has a description, --json, and an example', async (path, command) => {
    expect(command.description()).not.toBe('')
    const { code, out } = await sallyport([...path.split(' '), '--help'])
    expect(code).toBe(0)
    expect(out).toContain('--json')
    expect(out).toContain(`$ `)
    expect(out).toContain(`sallyport ${path.split(' ')[0]}`)
  })

  test('a mistyped command says what was meant, and exits 2', async () => {
    const { code, err } = await sallyport(['sesions'])
    expect(code).toBe(2)
    expect(err).toContain('sessions')
  })

  test('a mistyped verb is answered with the verbs that there are, and exits 2', async () => {
    const { code, out, err } = await sallyport(['grants', 'unmake', 'grt_1'])
    expect({ code, out, err }).toEqual({
      code: 2,
      out: '',
      err: 'error: grants has no command unmake\n  next: one of ls, revoke\n',
    })
  })

  test('help says which options it cannot do without', async () => {
    const { out } = await sallyport(['agents', 'join-token', '--help'])
    expect(out).toMatch(/--pool <name> .*\(required\)/s)
    expect(out).not.toMatch(/--ttl <time>[^-]*\(required\)/)
  })

  test('what is neither a file nor a token is not put to the gateway as one', async () => {
    const { code, err } = await sallyport(['federation', 'test', 'mistyped.jwt'], {
      SALLYPORT_GATEWAY: 'https://127.0.0.1:1',
      SALLYPORT_TOKEN: 'sp_x',
      SALLYPORT_STATE_HOME: '/nonexistent',
    })
    expect({ code, err }).toEqual({ code: 2, err: 'error: mistyped.jwt is neither a file nor a token\n' })
  })

  test('without a sign-in it says what to do, and exits 4', async () => {
    const { code, err } = await sallyport(['ls'], { SALLYPORT_STATE_HOME: '/nonexistent' })
    expect({ code, err }).toEqual({
      code: 4,
      err: 'error: not signed in\n  next: sallyport login --gateway URL\n',
    })
  })

  test('a gateway out of reach is told from everything else by exit code 5', async () => {
    const { code, err } = await sallyport(['ls'], {
      SALLYPORT_GATEWAY: 'https://127.0.0.1:1',
      SALLYPORT_TOKEN: 'sp_x',
      SALLYPORT_STATE_HOME: '/nonexistent',
    })
    expect(code).toBe(5)
    expect(err).toMatch(/^error: /)
  })
})

describe('policy files', () => {
  test('mistakes are shown with file, line and column; cases are run', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-cli-'))
    try {
      await writeFile(
        join(directory, 'p.cedar'),
        '@id("read")\npermit (principal in Group::"dev", action == Action::"reed", resource);\n',
      )
      const bad = await sallyport(['policy', 'check', directory])
      expect(bad.code).toBe(1)
      expect(bad.out).toMatch(/p\.cedar:2:\d+ error: .*reed/)
      await writeFile(
        join(directory, 'p.cedar'),
        '@id("read")\npermit (principal in Group::"dev", action == Action::"read", resource);\n',
      )
      expect((await sallyport(['policy', 'check', directory])).code).toBe(0)
      const cases = (expectation: string): string => `people:
  dana: { user: dana, groups: [dev] }
resources:
  db: { protocol: postgres }
cases:
  - name: dana reads
    who: dana
    resource: db
    does: { actions: [read], objects: [shop/public/orders] }
    expect: ${expectation}
`
      await writeFile(join(directory, 'p.cases.yaml'), cases('allow'))
      expect(await sallyport(['policy', 'test', directory])).toMatchObject({
        code: 0,
        out: '1 passed, 0 failed\n',
      })
      await writeFile(join(directory, 'p.cases.yaml'), cases('deny'))
      const failed = await sallyport(['policy', 'test', directory])
      expect(failed.code).toBe(1)
      expect(failed.out).toMatch(/FAILED .*p\.cases\.yaml:\d+ dana reads/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test('presets can be listed and printed', async () => {
    const { out } = await sallyport(['policy', 'presets', '--json'])
    const names = (JSON.parse(out) as { name: string }[]).map(({ name }) => name)
    expect(names).toContain('no-unfiltered-writes')
    expect((await sallyport(['policy', 'presets', 'no-unfiltered-writes'])).out).toContain('forbid')
  })
})

describe('against a gateway', () => {
  let asked: AskedGateway
  let directory: string
  let gateway: RunningGateway
  let root: Surroundings['environment']

  beforeAll(async () => {
    asked = await startAskedGateway()
    ;({ directory, gateway, root } = asked)
  })
  afterAll(() => asked[Symbol.asyncDispose]())

  async function signIn(name: string, ...groups: string[]) {
    const as = { SALLYPORT_STATE_HOME: join(directory, name) }
    const into = groups.flatMap((group) => ['--group', group])
    const added = await sallyport(['users', 'add', name, ...into, '--json'], root)
    const { setupLink } = JSON.parse(added.out) as { setupLink: { url: string } }
    const fingerprint = gateway.authority!.fingerprint
    await sallyport(['login', '--setup', setupLink.url, '--fingerprint', fingerprint], as, password)
    return as
  }

  test('from the set-up link to a declared resource, a second person, and back out', async () => {
    const fingerprint = gateway.authority!.fingerprint
    const wrong = await sallyport(
      ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', `sha256:${'0'.repeat(64)}`],
      root,
      password,
    )
    expect(wrong.code).not.toBe(0)
    const weak = await sallyport(
      ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint],
      root,
      'short',
    )
    expect(weak.err).toContain('12 characters')
    const setUp = await sallyport(
      ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint],
      root,
      password,
    )
    expect(setUp).toMatchObject({ code: 0 })
    expect(setUp.out).toMatch(/^Signed in to https:\/\/localhost:\d+ as root until /)
    expect((await sallyport(['whoami'], root)).out).toContain('root (administrators)')

    await writeFile(join(directory, 'orders.yaml'), ordersFile)
    await writeFile(
      join(directory, 'people.cedar'),
      'permit (principal in Group::"developers", action in [Action::"connect", Action::"read"], resource);\n',
    )
    const files = ['-f', join(directory, 'orders.yaml'), '-f', join(directory, 'people.cedar')]
    const plan = await sallyport(['apply', ...files, '--dry-run'], root)
    expect(plan.out).toContain('+ Resource orders-db')
    const applied = await sallyport(['apply', ...files, '--yes'], root)
    expect(applied).toMatchObject({ code: 0, out: 'Applied 3 changes; policy set 1 is in force.\n' })
    expect(applied.out + applied.err).not.toContain('secret of the target')
    expect((await sallyport(['apply', ...files], root)).out).toContain('Nothing to do')

    const added = await sallyport(['users', 'add', 'alice', '--group', 'developers', '--json'], root)
    const { setupLink } = JSON.parse(added.out) as { setupLink: { url: string } }
    const alice = { SALLYPORT_STATE_HOME: join(directory, 'alice') }
    await sallyport(['login', '--setup', setupLink.url, '--fingerprint', fingerprint], alice, password)
    const listed = await sallyport(['ls'], alice)
    expect(listed.out).toMatch(/orders-db +postgres +app +- +none attached/)
    const paste = await sallyport(['connect', 'orders-db', '--print'], alice)
    expect(paste.out).toContain('export PGUSER=orders-db\n')
    expect(paste.out).toMatch(/export PGSSLMODE=verify-full\n/)
    expect(await sallyport(['connect', 'nowhere'], alice)).toMatchObject({ code: 1 })
    expect(await sallyport(['users', 'ls'], alice)).toMatchObject({ code: 4 })

    const token = JSON.parse(
      (await sallyport(['tokens', 'create', '--label', 'job', '--ttl', '600', '--json'], alice)).out,
    ) as { id: string; token: string }
    const job = {
      SALLYPORT_GATEWAY: gateway.baseUrl,
      SALLYPORT_TOKEN: token.token,
      SALLYPORT_CA: join(directory, 'alice', 'ca.pem'),
      SALLYPORT_STATE_HOME: '/nonexistent',
    }
    expect((await sallyport(['whoami'], job)).out).toContain('alice')
    await sallyport(['tokens', 'revoke', token.id], alice)
    expect(await sallyport(['whoami'], job)).toMatchObject({ code: 4 })

    expect((await sallyport(['reviews'], alice)).out).toBe('No reviews.\n')
    expect((await sallyport(['requests'], alice)).out).toBe('No requests.\n')
    expect((await sallyport(['grants'], alice)).out).toBe('No grants.\n')
    expect((await sallyport(['sessions'], root)).out).toBe('No sessions.\n')
    expect((await sallyport(['agents'], root)).out).toContain('No agents')
    expect((await sallyport(['agents', 'join-token', '--pool', 'local'], root)).out).toMatch(
      /^sallyport agent --gateway \S+ --token spj_/,
    )
    const doctor = await sallyport(['doctor'], root)
    expect(doctor.out).toContain('store')
    expect((await sallyport(['sessions', 'public-key'], root)).out).toContain('BEGIN PUBLIC KEY')

    expect((await sallyport(['logout'], alice)).code).toBe(0)
    expect((await sallyport(['whoami'], alice)).code).toBe(4)
    const again = await sallyport(
      ['login', '--gateway', gateway.baseUrl, '--user', 'alice', '--ca', join(directory, 'alice', 'ca.pem')],
      alice,
      'not the password',
    )
    expect(again.code).toBe(4)
  })

  test('policies have a history, which can be looked at, compared and gone back to', async () => {
    const file = join(directory, 'people.cedar')
    const more = 'permit (principal in Group::"developers", action == Action::"delete", resource);\n'
    await writeFile(file, `${await readFile(file, 'utf8')}${more}`)
    const planned = await sallyport(['apply', '-f', file, '--dry-run'], root)
    expect(planned.out).toContain(`      +${more}`)
    expect((await sallyport(['apply', '-f', file, '--note', 'they delete'], root)).code).toBe(0)
    const history = await sallyport(['policy', 'history'], root)
    expect(history.out).toMatch(
      /^VERSION +APPLIED +BY +NOTE\n2 +\S+Z +user:root +they delete\n1 +\S+Z +user:root\n$/,
    )
    expect((await sallyport(['policy', 'show', '1'], root)).out).not.toContain('delete')
    expect((await sallyport(['policy', 'show', 'current'], root)).out).toContain(more)
    const difference = await sallyport(['policy', 'diff', '1'], root)
    expect(difference).toMatchObject({ code: 1 })
    expect(difference.out).toContain(`\n+${more}`)
    expect(await sallyport(['policy', 'diff', '2', '2'], root)).toMatchObject({ code: 0 })

    const plan = await sallyport(['policy', 'rollback', '1', '--dry-run'], root)
    expect(plan.out).toContain('~ Policy people')
    expect(plan.out).toContain(`      -${more}`)
    const back = await sallyport(['policy', 'rollback', '1', '--note', 'they do not'], root)
    expect(back).toMatchObject({ code: 0, out: 'Applied 1 change; policy set 3 is in force.\n' })
    expect((await sallyport(['policy', 'history'], root)).out).toContain('back to 1: they do not')
    expect(await sallyport(['policy', 'diff', '1', '3'], root)).toMatchObject({ code: 0 })
    expect(await sallyport(['policy', 'rollback', '9'], root)).toMatchObject({ code: 1 })
  })

  test('who may do what is answered by the policies in force, of oneself or for administrators', async () => {
    const alice = await signIn('alice-asks', 'developers')
    const can = (words: string, as = root) => sallyport(['policy', 'can', ...words.split(' ')], as)
    const yes = await can('alice-asks read shop.public.orders on orders-db')
    expect(yes).toMatchObject({ code: 0, err: '' })
    expect(yes.out).toMatch(
      /^yes\n {2}connect to orders-db as app: allowed by \S+\n {2}read shop\.public\.orders on orders-db: allowed by \S+\n$/,
    )
    const no = await can('alice-asks delete shop.public.orders on orders-db --fact unfiltered=true')
    expect(no.code).toBe(1)
    expect(no.out).toContain('no policy permits delete on shop.public.orders')
    expect(await can('alice-asks unmask pii.email on orders-db --json')).toMatchObject({ code: 1 })
    expect(await can('root administer')).toMatchObject({ code: 0 })
    expect(await can('nobody connect on orders-db')).toMatchObject({ code: 1, out: '' })
    expect((await can('alice-asks raed on orders-db')).err).toContain('did you mean read?')
    expect(await can('alice-asks read on')).toMatchObject({ code: 2 })

    expect(await can('alice-asks connect on orders-db', alice)).toMatchObject({ code: 0 })
    expect(await can('root connect on orders-db', alice)).toMatchObject({ code: 4 })
    expect(await sallyport(['policy', 'who', 'can', 'connect', 'on', 'orders-db'], alice)).toMatchObject({
      code: 4,
    })
    const who = await sallyport(['policy', 'who', 'can', 'connect', 'on', 'orders-db'], root)
    expect(who.out).toMatch(/^WHO +ANSWER +GROUPS +POLICIES\n/)
    expect(who.out).toMatch(/user:alice-asks +yes +developers /)
    expect(who.out).not.toContain('user:root')
  })

  test('what changed policies would have decided is asked of recordings', async () => {
    const file = join(directory, 'people.cedar')
    const report = await sallyport(['policy', 'simulate', file, '--since', '30d'], root)
    expect(report).toMatchObject({ code: 0, out: '0 changes in 0 operations of 0 sessions.\n', err: '' })
    const asJson = await sallyport(['policy', 'simulate', file, '--resource', 'orders-db', '--json'], root)
    expect(JSON.parse(asJson.out)).toMatchObject({ kind: 'report', sessions: 0, changes: [] })
    expect(await sallyport(['policy', 'simulate', file, '--since', 'never'], root)).toMatchObject({ code: 2 })
    const broken = join(directory, 'broken.cedar')
    await writeFile(broken, 'permit (')
    const refused = await sallyport(['policy', 'simulate', broken], root)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('broken:1:9')
  })

  test('who may do what is answered by files alone, without their secrets', async () => {
    const place = join(directory, 'offline')
    await mkdir(place)
    await writeFile(
      join(place, 'p.cedar'),
      '@id("own") permit (principal in Group::"dev", action in [Action::"connect", Action::"read"], resource in Label::"env=test");\n' +
        '@id("fix") @review("dba") permit (principal in Group::"dev", action == Action::"update", resource);\n',
    )
    await writeFile(
      join(place, 'world.yaml'),
      `kind: Credential
name: t
password: env:NOT_THERE
---
kind: User
name: dana
groups: [dev]
---
kind: Resource
name: test-db
protocol: postgres
host: db
agent: local
labels: { env: test }
accounts: [{ name: app, credential: { from: sealed, name: t } }]
`,
    )
    const can = (...words: string[]) => sallyport(['policy', 'can', ...words, '--policies', place])
    expect(await can('dana', 'read', 'shop.public.orders', 'on', 'test-db')).toMatchObject({ code: 0 })
    const held = await can('dana', 'update', 'shop.public.orders', 'on', 'test-db')
    expect(held).toMatchObject({ code: 3 })
    expect(held.out).toMatch(/^by review\n/)
    expect(await can('eve', 'connect', 'on', 'test-db')).toMatchObject({ code: 2 })
    expect(await can('eve', 'connect', 'on', 'test-db', '--group', 'dev')).toMatchObject({ code: 0 })
    expect(await can('dana', 'connect', 'on', 'no-db')).toMatchObject({ code: 2 })
  })

  test('documents that do not stand are listed with file, line and fix', async () => {
    await writeFile(
      join(directory, 'bad.yaml'),
      'kind: Resource\nname: Orders\nprotocol: postgres\nhost: 127.0.0.1\nagent: local\naccounts: []\n---\nkind: Credential\nname: x\npassword: hunter2\n',
    )
    const { code, err } = await sallyport(['apply', '-f', join(directory, 'bad.yaml')], root)
    expect(code).toBe(2)
    expect(err).toMatch(/bad\.yaml:2:\d+ name: /)
    expect(err).not.toContain('hunter2')
  })
})

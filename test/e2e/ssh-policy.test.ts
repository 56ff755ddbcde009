import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'
import { soon } from '../world/soon.ts'

const policies = `
@id("connect")
permit (principal in Group::"developers", action == Action::"connect", resource);
@id("look")
permit (principal in Group::"developers", action == Action::"exec", resource)
when { context.simple && ["uptime", "id", "cat"].contains(context.command) };
@id("restart") @review("dba") @within("15m")
permit (principal in Group::"developers", action == Action::"exec", resource)
when { context.simple && context.command == "echo restart" };
@id("short") @review("dba") @within("1s")
permit (principal in Group::"developers", action == Action::"exec", resource)
when { context.simple && context.command == "echo short" };
`

/** Over two processes: whichever carries a session, its reviews and its end are the same. */
describe.skipIf(!hasSshd)('what policy says of commands over ssh', () => {
  let server: Sshd
  let sallyport: Sallyport
  let alice: Person
  let bob: Person
  let client: SshClient

  beforeAll(async () => {
    server = await startSshd()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes: 2 })
    await declareSshd(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'access', text: policies })
    alice = await sallyport.person('alice', ['developers'])
    bob = await sallyport.person('bob', ['dba'])
    client = await SshClient.of(sallyport, alice)
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  const waiting = () => soon(async () => (await bob.client.reviews.list({ state: 'open' })).items[0], 60_000)
  const stateOf = async (id: string, state: string) =>
    soon(async () => ((await bob.client.reviews.get({ id })).state === state ? true : undefined), 60_000)

  test('what is not exactly permitted does not run, however it is dressed', async () => {
    expect((await client.ssh('web', ['uptime'])).code).toBe(0)
    const attempts = [
      'uptime;id',
      'uptime $(id)',
      'uptime|sh',
      'uptime&&id',
      'uptime>/tmp/x',
      'uptime #',
      'uptime\nid',
      'bash',
      'echo \u00e9 \\xff',
    ]
    const { stdout } = await client.ssh('web', ['id'])
    expect(stdout).toContain('uid=')
    for (const attempt of attempts) {
      const refused = await client.ssh('web', [attempt])
      expect([attempt, refused.code, refused.stdout]).toEqual([attempt, 126, ''])
    }
    expect((await client.ssh('web', ['bash'], { flags: ['-tt'] })).code).toBe(126)
  })

  test('a held command says where its review is, and runs once that is approved', async () => {
    await using ssh = await client.start('web', ['echo restart'], ['-o', 'SetEnv LC_ALL=C'])
    const review = await waiting()
    expect(review.text).toBe('echo restart')
    expect(review.parameters).toEqual(['LC_ALL=C'])
    await ssh.line(new RegExp(`^sallyport: waiting for .*sallyport reviews approve ${review.id}`))
    await bob.client.reviews.approve({ id: review.id })
    await ssh.line(/^restart$/)
    expect(await ssh.exited).toMatchObject({ code: 0 })
  })

  test('one that is denied, or that nobody answers, ends with 126 and says so', async () => {
    const held = client.ssh('web', ['echo restart'])
    const { id } = await waiting()
    await bob.client.reviews.deny({ id, comment: 'not today' })
    const denied = await held
    expect([denied.code, denied.stdout]).toEqual([126, ''])
    expect(denied.stderr).toContain('sallyport: denied by bob: not today\n')
    const late = await client.ssh('web', ['echo short'])
    expect([late.code, late.stdout]).toEqual([126, ''])
    expect(late.stderr).toContain('sallyport: it was not approved by dba within 1 s\n')
  })

  test('who leaves, or presses ^C, takes it back', async () => {
    await using left = await client.start('web', ['echo restart'])
    const first = await waiting()
    left.signal('SIGKILL')
    await stateOf(first.id, 'withdrawn')
    await using ssh = await client.start('web', ['echo restart'], ['-tt'])
    const second = await waiting()
    ssh.write('\u0003')
    await stateOf(second.id, 'withdrawn')
    expect(await ssh.exited).toMatchObject({ code: 126 })
    expect(ssh.output).toContain('sallyport: the request for a review was withdrawn')
  })

  test('a session that is killed says why and is over, whatever runs in it', async () => {
    await using ssh = await client.start('web', ['cat'])
    ssh.write('it runs\n')
    await ssh.line(/^it runs$/)
    const session = await soon(
      async () => (await alice.client.sessions.list({ live: true })).items[0],
      60_000,
    )
    await sallyport.admin.client.sessions.kill({ id: session.id, reason: 'enough' })
    await ssh.line(/^sallyport: .*enough/)
    expect(await ssh.exited).toMatchObject({ code: 255 })
  })

  test('G318: a person who is shut out is cut off in the middle of a long command, and it is on record', async () => {
    const dora = await sallyport.person('dora', ['developers'])
    const hers = await SshClient.of(sallyport, dora)
    await using ssh = await hers.start('web', ['cat'])
    ssh.write('it runs\n')
    await ssh.line(/^it runs$/)
    await sallyport.admin.client.users.disable({ name: 'dora' })
    await ssh.line(/^sallyport: your access was revoked/, 5_000)
    expect(await ssh.exited).toMatchObject({ code: 255 })
    expect((await hers.ssh('web', ['id'])).code).toBe(255)
    const audit = await sallyport.admin.client.audit.list({ limit: 50 })
    expect(JSON.stringify(audit.items)).toContain('user dora disabled')
  })

  test('all of it is in recordings that verify: what ran, what it wrote, how it ended; never what was typed', async () => {
    await client.ssh('web', ['cat'], { input: 'what was typed' })
    await client.ssh('web', ['id'])
    const { items } = await sallyport.admin.client.sessions.list({ user: 'alice', limit: 100 })
    const events: Record<string, unknown>[] = []
    for (const { id } of items) {
      expect(await sallyport.admin.client.sessions.verify({ id })).toMatchObject({ state: 'sound' })
      for await (const event of sallyport.admin.client.sessions.events({ id }))
        events.push(event as unknown as Record<string, unknown>)
    }
    const of = (kind: string) => events.filter((event) => event['kind'] === kind)
    expect(of('operation').map(({ text, effect }) => `${String(effect)} ${String(text)}`)).toEqual(
      expect.arrayContaining([
        'allow uptime',
        'deny uptime;id',
        'review echo restart',
        'deny echo short',
        'allow cat',
      ]),
    )
    expect(of('output').map(({ text }) => text)).toContainEqual(expect.stringContaining('uid='))
    expect(of('input')).toEqual([])
    expect(of('result').length).toBeGreaterThan(3)
  })
})

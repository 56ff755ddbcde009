import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ordersFile, password, sallyport, startAskedGateway } from './testing/commands.ts'

test('from a request to a grant, its end, and a break-glass that is reviewed', async () => {
  await using asked = await startAskedGateway()
  const { directory, gateway, root } = asked
  const fingerprint = gateway.authority!.fingerprint
  const setUp = ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint]
  expect(await sallyport(setUp, root, password)).toMatchObject({ code: 0 })
  await writeFile(join(directory, 'orders.yaml'), ordersFile)
  await writeFile(
    join(directory, 'grants.cedar'),
    `@id("on-request") @request("dba") @duration("2h") @breakglass("dba")
permit (principal in Group::"staff", action == Action::"connect", resource);
`,
  )
  const files = ['-f', join(directory, 'orders.yaml'), '-f', join(directory, 'grants.cedar')]
  expect(await sallyport(['apply', ...files, '--yes'], root)).toMatchObject({ code: 0 })
  const signIn = async (name: string, ...groups: string[]) => {
    const as = { SALLYPORT_STATE_HOME: join(directory, name) }
    const into = groups.flatMap((group) => ['--group', group])
    const added = await sallyport(['users', 'add', name, ...into, '--json'], root)
    const { setupLink } = JSON.parse(added.out) as { setupLink: { url: string } }
    await sallyport(['login', '--setup', setupLink.url, '--fingerprint', fingerprint], as, password)
    return as
  }
  const sam = await signIn('sam', 'staff')
  const dba = await signIn('dba', 'staff', 'dba')

  expect((await sallyport(['ls'], sam)).out).toMatch(/orders-db +postgres +- +app \(up to 2h\)/)
  const refused = await sallyport(['connect', 'orders-db'], sam)
  expect(refused.err).toContain('next: sallyport request orders-db --account app --for 2h --reason "…"')
  expect(await sallyport(['request', 'orders-db', '--for', 'long', '--reason', 'x'], sam)).toMatchObject({
    code: 2,
    err: 'error: long is no length of time\n  next: write it like 30m, 2h, 1h30m or 2d\n',
  })
  expect(await sallyport(['request', 'orders-db'], sam)).toMatchObject({ code: 2 })
  const tooLong = await sallyport(['request', 'orders-db', '--for', '3h', '--reason', 'x'], sam)
  expect(tooLong.err).toBe('error: that is longer than policy lets anyone have it: at most 2h\n')

  const why = ['--reason', 'a broken import', '--ticket', 'OPS-7']
  const waiting = sallyport(['request', 'orders-db', '--for', '1h', ...why, '--wait', '--json'], sam)
  const ids = async (): Promise<string[]> => {
    const { out } = await sallyport(['requests', '--json'], dba)
    return (JSON.parse(out) as { id: string }[]).map(({ id }) => id)
  }
  await expect.poll(ids, { timeout: 10_000 }).toHaveLength(1)
  const [id = ''] = await ids()
  expect((await sallyport(['requests', 'ls'], dba)).out).toMatch(
    /req_\w+ +open +sam +orders-db +app +1h +in 24 h +dba +a broken import/,
  )
  const shown = (await sallyport(['requests', 'show', id], dba)).out
  for (const words of [
    'sam, from 127.0.0.1',
    'orders-db as app for 1h',
    'a broken import',
    'OPS-7',
    '1 of dba',
    'waits for   approval by dba',
  ])
    expect(shown).toContain(words)
  expect(await sallyport(['requests', 'approve', id], sam)).toMatchObject({ code: 4 })
  const approved = await sallyport(['requests', 'approve', id, '--comment', 'agreed'], dba)
  expect(approved.out).toMatch(/^Approved: grt_\w+ is good for 1h\.\n$/)
  expect(await waiting).toMatchObject({ code: 0 })
  expect((await sallyport(['ls'], sam)).out).toMatch(/orders-db +postgres +app \(60 min left\)/)
  expect((await sallyport(['connect', 'orders-db', '--print'], sam)).out).toContain('PGUSER=orders-db\n')

  const [grant] = JSON.parse((await sallyport(['grants', '--json'], sam)).out) as { id: string }[]
  expect((await sallyport(['grants'], dba)).out).toMatch(
    /grt_\w+ +live +sam +orders-db +app +in 60 min +user:dba/,
  )
  const report = async (...more: string[]) => (await sallyport(['access', 'report', ...more], root)).out
  expect(await report()).toMatch(/sam +orders-db +app +grant +in 60 min +user:dba: a broken import +never\n/)
  expect(await report()).toMatch(/dba +orders-db +app +break-glass +- +on-request +never\n/)
  expect(await report('--user', 'sam')).not.toContain('request ')
  expect(await report('--user', 'sam', '--all')).toMatch(
    /sam +orders-db +app +request +- +on-request +never\n/,
  )
  expect(await report('--csv', '--user', 'sam')).toMatch(
    /^principal,name,.*\r\nuser:sam,sam,user:sam,orders-db,app,grant,on-request,grt_\w+,20\S+,a broken import,user:dba,\r\n$/,
  )
  expect(JSON.parse(await report('--json', '--resource', 'nowhere'))).toEqual([])
  expect((await sallyport(['access', 'report'], sam)).out).toBe(
    'Nobody can reach anything that you may look at.\n',
  )
  expect((await sallyport(['grants', 'revoke', grant!.id, '--reason', 'done'], sam)).code).toBe(0)
  expect((await sallyport(['grants'], sam)).out).toBe('No grants.\n')
  expect((await sallyport(['grants', 'ls', '--ended'], sam)).out).toContain('revoked')

  const another = await sallyport(['request', 'orders-db', '--reason', 'again'], sam)
  expect(another.out).toMatch(/^req_\w+: orders-db as app waits for approval by dba, at most 24 h\.\n$/)
  const [again = ''] = /^req_\w+/.exec(another.out) ?? []
  expect((await sallyport(['requests', 'withdraw', again], sam)).out).toBe('Withdrawn.\n')
  const third = await sallyport(['request', 'orders-db', '--reason', 'please'], sam)
  const [thirdId = ''] = /^req_\w+/.exec(third.out) ?? []
  expect((await sallyport(['requests', 'deny', thirdId], dba)).out).toBe('Denied.\n')

  const broken = await sallyport(
    ['request', 'orders-db', '--break-glass', '--reason', 'the shop is down'],
    dba,
  )
  expect(broken.out).toMatch(/^grt_\w+: you may reach orders-db as app for 60 min\. dba will review it\.\n$/)
  const [own = ''] = await ids()
  expect((await sallyport(['requests', 'show', own], dba)).out).toContain('taken at once (break-glass)')
  expect(await sallyport(['requests', 'close', own, '--comment', 'fine'], dba)).toMatchObject({ code: 4 })
  const other = await signIn('other', 'dba')
  expect((await sallyport(['requests', 'close', own, '--comment', 'fine'], other)).out).toBe('Closed.\n')
})

import type { RecordedLine } from '@sallyport/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declareSshd, hasSshd, SshClient, startSshd, type Sshd } from '../world/openssh.ts'
import { startSallyport, type Person, type Sallyport } from '../world/sallyport.ts'

const policies = `
@id("connect") permit (principal in Group::"sre", action == Action::"connect", resource);
@id("watched") @watched("security") permit (principal in Group::"sre", action in [Action::"shell", Action::"exec"], resource);
@id("watchers") permit (principal in Group::"security", action == Action::"replay", resource);
`

/** Somebody's look at a session, as it goes. */
async function lookAt(person: Person, id: string) {
  const stop = new AbortController()
  const seen: RecordedLine[] = []
  const lines = person.client.sessions.watch({ id }, { signal: stop.signal })[Symbol.asyncIterator]()
  const first = await lines.next()
  if (first.done !== true) seen.push(first.value)
  const over = (async () => {
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) seen.push(next.value)
  })().catch(() => undefined)
  return {
    seen,
    /** When the session is over, and all of it has been seen. */
    over,
    leave: async () => {
      stop.abort()
      await over
    },
  }
}

describe.skipIf(!hasSshd)('what must be watched, over ssh, in a gateway of several processes', () => {
  let server: Sshd
  let sallyport: Sallyport
  let alice: Person
  let sven: Person
  let client: SshClient

  beforeAll(async () => {
    server = await startSshd()
    sallyport = await startSallyport({ allow: [`127.0.0.1:${server.port}`], processes: 2 })
    await declareSshd(sallyport, server)
    await sallyport.apply({ kind: 'Policy', name: 'access', text: policies })
    alice = await sallyport.person('alice', ['sre', 'security'])
    sven = await sallyport.person('sven', ['security'])
    client = await SshClient.of(sallyport, alice)
  })
  afterAll(async () => {
    await sallyport?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })

  test('waits for somebody else, pauses when they leave, goes on when they are back, and is whole', async () => {
    const counting = 'i=0; while [ $i -lt 30 ]; do echo line $i; i=$((i+1)); sleep 0.1; done; exit 4'
    await using running = await client.start('web', [counting])
    await running.line(/waiting for somebody of security to watch/)
    const [live] = (await alice.client.sessions.list({ live: true })).items
    const id = live?.id ?? ''
    const own = await lookAt(alice, id)
    expect(running.output).not.toContain('line 0')

    const first = await lookAt(sven, id)
    await running.line(/line 5/)
    await first.leave()
    await running.line(/paused until somebody of security watches: sallyport sessions watch ses_/)
    const before = running.output
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(running.output).toBe(before)

    const second = await lookAt(sven, id)
    await running.line(/it goes on: it is watched again/)
    const { code } = await running.exited
    expect(code).toBe(4)
    const lines = running.output.split('\n').filter((line) => line.startsWith('line '))
    expect(lines).toEqual(Array.from({ length: 30 }, (_, i) => `line ${i}`))
    await second.over
    await own.over
    expect(first.seen.map(({ kind }) => kind).slice(0, 3)).toEqual(['watching', 'operation', 'output'])
    expect(
      second.seen.some((line) => line.kind === 'output' && String(line['text']).includes('line 29')),
    ).toBe(true)
    expect(second.seen.at(-1)).toMatchObject({ kind: 'watching-ended', reason: 'the session has ended' })
  })

  test('commands that are seen on a real shell’s screen are noted, as a help', async () => {
    await using running = await client.start(
      'web',
      ['env -i PS1="host\\$ " TERM=xterm bash --norc -i'],
      ['-tt'],
    )
    await running.line(/waiting for somebody of security to watch/)
    const [live] = (await alice.client.sessions.list({ live: true })).items
    const id = live?.id ?? ''
    const looking = await lookAt(sven, id)
    const type = async (keys: string): Promise<void> => {
      running.write(keys)
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    await type('')
    await type('echo helo\u007flo world')
    await type('\r')
    await type('\u001b[A')
    await type(' again\r')
    await type('exit\r')
    await running.exited
    await looking.over
    const texts = looking.seen.flatMap((line) => (line.kind === 'command-seen' ? [line['text']] : []))
    expect(texts).toEqual(['echo hello world', 'echo hello world again', 'exit'])
  })

  test('a terminal is recorded with its size, and comes back as an asciicast', async () => {
    await using running = await client.start('web', ['echo $((6*7)); printf "h\\303\\244llo"'], ['-tt'])
    await running.line(/waiting for somebody of security to watch/)
    const [live] = (await alice.client.sessions.list({ live: true })).items
    const id = live?.id ?? ''
    const looking = await lookAt(sven, id)
    await running.exited
    await looking.over
    const chunks: Uint8Array[] = []
    for await (const chunk of sven.client.sessions.asciicast({ id })) chunks.push(chunk)
    const [header, ...events] = Buffer.concat(chunks)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(header).toMatchObject({ version: 2, title: `${id}: alice on web` })
    const shown = events.flatMap((event) =>
      Array.isArray(event) && event[1] === 'o' ? String(event[2]) : [],
    )
    expect(shown.join('')).toBe('42\r\nhällo')
  })
})

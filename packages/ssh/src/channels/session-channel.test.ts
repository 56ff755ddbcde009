import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { mintPermit, type OperationId, type Outcome, type Passage } from '@sallyport/core'
import type { Channel } from '../connection/channel.ts'
import { joined, passive } from '../testing/joined.ts'
import type { ChannelHost } from './host.ts'
import { keptOutputBytes, leftBehindMs } from '../limits.ts'
import type { OutputMask } from '../terminal/index.ts'
import { SessionChannel } from './session-channel.ts'

/** A mask for which `secret` is one. */
const hiding = (): OutputMask =>
  ({
    push: (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replaceAll('secret', '******'), 'latin1'),
    flush: () => Buffer.alloc(0),
    heldSinceMs: undefined,
    maskedValues: 0,
    maskedTags: [],
  }) as unknown as OutputMask

/** What a program that writes the same on both streams leaves in the recording, of each its kept bytes and what was left out. */
async function recorded(program: string | { readonly shell: true }, words: string, times = 1) {
  const { client, atTarget, noted } = await running(program, true)
  client.write(Buffer.from(words))
  await setImmediate()
  for (let i = 0; i < times; i++) {
    atTarget.write(Buffer.from(words))
    atTarget.writeError(Buffer.from(words))
    await setImmediate()
  }
  atTarget.close()
  await setImmediate()
  const kept = { stdin: 0, stdout: 0, stderr: 0 }
  const leftOut = { stdin: 0, stdout: 0, stderr: 0 }
  for (const passage of noted) {
    if (passage.kind === 'output') kept[passage.stream] += passage.bytes.length
    if (passage.kind === 'input') kept.stdin += passage.bytes.length
    if (passage.kind === 'output-left-out') leftOut[passage.stream] += passage.sizeBytes
  }
  return { kept, leftOut, noted }
}

afterEach(() => void vi.useRealTimers())

/** A program that runs at a target which does as the test says. */
async function running(
  program: string | { readonly shell: true } = 'sleep 7',
  recordInput = false,
  more: Partial<ChannelHost> = {},
) {
  const [client, gateway] = joined()
  const [toTarget, target] = joined()
  const outcomes: Outcome[] = []
  const noted: Passage[] = []
  const host = {
    options: { environment: [], recordInput, hostKeys: [] },
    target: Promise.resolve({ ssh: toTarget, leave: () => undefined }),
    authorize: () => ({ kind: 'permit', id: 1, obligations: {} }),
    commit: () => undefined,
    note: (passage: Passage) => void noted.push(passage),
    finish: (_permit: unknown, outcome: Outcome) => void outcomes.push(outcome),
    mask: hiding,
    gone: new AbortController().signal,
    broke: passive.broken,
    ...more,
  } as unknown as ChannelHost
  const heard: string[] = []
  const channels: Channel[] = []
  const sessions: SessionChannel[] = []
  client.listen(passive)
  toTarget.listen(passive)
  target.listen({
    ...passive,
    open: ({ accept }) => {
      const channel = accept()
      channels.push(channel)
      channel.listen({
        request: ({ type, data, reply }) => {
          heard.push(type === 'signal' ? `signal ${data.name()}` : type)
          reply(true)
        },
        data: (bytes) => heard.push(`data ${bytes.toString()}`),
        eof: () => heard.push('eof'),
        closed: () => heard.push('closed'),
        drained: () => heard.push('drained'),
      })
    },
  })
  gateway.listen({
    ...passive,
    open: ({ accept }) => {
      const session = new SessionChannel(accept(), host, () => undefined)
      sessions.push(session)
      session.start()
    },
  })
  const channel = await client.open('session')
  const told: string[] = []
  channel.listen({
    data: (bytes) => {
      channel.consumed(bytes.length)
      told.push(`data ${bytes.toString()}`)
    },
    errorData: (bytes) => {
      channel.consumed(bytes.length)
      told.push(`error ${bytes.toString()}`)
    },
    eof: () => told.push('eof'),
    request: ({ type, data, reply }) => {
      told.push(type === 'exit-status' ? `${type} ${data.number()}` : type)
      reply(false)
    },
    closed: () => told.push('closed'),
  })
  const asked = typeof program === 'string' ? channel.ask('exec', [program]) : channel.ask('shell')
  expect(await asked).toBe(true)
  await setImmediate()
  return {
    outcomes,
    noted,
    line: gateway,
    client: channel,
    told,
    heard,
    atTarget: channels[0]!,
    session: sessions[0]!,
  }
}

test('what a target calls a signal is recorded only where it is a name', async () => {
  for (const [name, errorCode] of [
    ['TERM', 'signal TERM'],
    ['sig@example.com', 'signal sig@example.com'],
    ['\u001b]52;c;cm0=\u0007', 'signal unknown'],
    ['A'.repeat(30_000), 'signal unknown'],
  ] as const) {
    const { atTarget, outcomes } = await running()
    atTarget.tell('exit-signal', [name, false, '', ''])
    atTarget.close()
    await setImmediate()
    expect(outcomes).toMatchObject([{ status: 'failed', errorCode }])
  }
})

test('what runs is told to end where its session does, and not only that nobody reads it any more', async () => {
  const { heard, session } = await running()
  session.cutOff('access was revoked\n')
  await setImmediate()
  expect(heard).toEqual(['exec', 'signal TERM', 'eof', 'closed'])
})

test('what a file server logs beside the protocol does not hold up the files', async () => {
  const { atTarget, heard } = await running('/usr/lib/openssh/sftp-server -e')
  expect(atTarget.writeError(Buffer.alloc(8 * 1024 * 1024))).toBe(false)
  await expect.poll(() => heard).toContain('drained')
})

test('a client that closes once both sides have said all still gets the exit status, however late it comes', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { client, atTarget, outcomes, heard, told } = await running('make >log 2>&1')
  client.eof()
  atTarget.eof()
  await setImmediate()
  client.close()
  await setImmediate()
  vi.advanceTimersByTime(60 * 60_000)
  await setImmediate()
  expect({ heard, told, outcomes }).toEqual({ heard: ['exec', 'eof'], told: ['eof'], outcomes: [] })
  atTarget.tell('exit-status', [7])
  atTarget.close()
  await setImmediate()
  expect(told).toEqual(['eof', 'exit-status 7', 'closed'])
  expect(outcomes).toMatchObject([{ status: 'failed', errorCode: 'exit 7' }])
})

test('a client that closes at once does not keep from the recording what its command wrote, and how it ended', async () => {
  const { client, atTarget, outcomes, noted, heard, told } = await running('cat /etc/shadow')
  client.write(Buffer.from('last words'))
  client.close()
  await setImmediate()
  expect(heard).toEqual(['exec', 'data last words', 'eof'])
  atTarget.write(Buffer.from('root:'))
  await setImmediate()
  atTarget.tell('exit-status', [0])
  atTarget.close()
  await setImmediate()
  expect(noted).toMatchObject([{ kind: 'output', stream: 'stdout', bytes: Buffer.from('root:') }])
  expect(outcomes).toMatchObject([{ status: 'done' }])
  expect(told).toEqual(['exit-status 0', 'eof', 'closed'])
})

test('a client that has left what goes on ends it, and soon', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const { client, outcomes, heard, told } = await running()
  client.close()
  await setImmediate()
  vi.advanceTimersByTime(leftBehindMs - 1)
  await setImmediate()
  expect({ heard, outcomes }).toEqual({ heard: ['exec', 'eof'], outcomes: [] })
  vi.advanceTimersByTime(1)
  await setImmediate()
  expect(heard).toEqual(['exec', 'eof', 'closed'])
  expect(told.at(-1)).toBe('closed')
  expect(outcomes).toMatchObject([{ status: 'cancelled' }])
})

test('a connection that is lost ends at once what runs on it', async () => {
  const { outcomes, heard, line } = await running()
  line.over()
  await setImmediate()
  expect(heard).toEqual(['exec', 'eof', 'closed'])
  expect(outcomes).toMatchObject([{ status: 'cancelled' }])
})

test('what hooks write when files are pushed is recorded as that of a command, and none of the files', async () => {
  const words = 'remote: hello'
  const { kept, leftOut } = await recorded("git-receive-pack '/srv/a.git'", words)
  expect(kept).toEqual({ stdin: 0, stdout: words.length, stderr: words.length })
  expect(leftOut).toEqual({ stdin: words.length, stdout: 0, stderr: 0 })
})

test('of an archive that git makes only its length and hash are recorded, and what is said beside it', async () => {
  const words = 'a file, or an error'
  const { kept, leftOut } = await recorded("git-upload-archive '/srv/a.git'", words)
  expect(kept).toEqual({ stdin: 0, stdout: 0, stderr: words.length })
  expect(leftOut).toEqual({ stdin: words.length, stdout: words.length, stderr: 0 })
})

test('of files that are fetched nothing is recorded', async () => {
  const { kept, leftOut } = await recorded("git-upload-pack '/srv/a.git'", 'a file')
  const nothing = { stdin: 0, stdout: 0, stderr: 0 }
  expect({ kept, leftOut }).toEqual({ kept: nothing, leftOut: nothing })
})

test('what a shell without a terminal writes is recorded whole, and that of a command from its begin on', async () => {
  const words = 'x'.repeat(keptOutputBytes / 2)
  const shell = await recorded({ shell: true }, words, 3)
  expect(shell.kept).toMatchObject({ stdout: words.length * 3, stderr: words.length * 3 })
  const command = await recorded('cat', words, 3)
  expect(command.kept).toMatchObject({ stdout: keptOutputBytes, stderr: keptOutputBytes })
  expect(command.leftOut).toMatchObject({ stdout: words.length, stderr: words.length })
})

test('both streams are masked of all that runs what somebody wrote there, and of a shell without a terminal', async () => {
  for (const program of [
    { shell: true } as const,
    'cat',
    "git-receive-pack '/srv/a.git'",
    "git-upload-archive '/srv/a.git'",
  ]) {
    const { atTarget, told } = await running(program)
    atTarget.write(Buffer.from('the secret'))
    atTarget.writeError(Buffer.from('another secret'))
    await setImmediate()
    expect(told).toEqual(['data the ******', 'error another ******'])
  }
})

test('a command whose client waits for its end is lost where that never comes, and not cancelled', async () => {
  for (const end of ['target', 'session'] as const) {
    const { client, atTarget, session, outcomes, told } = await running('make >log 2>&1')
    client.eof()
    atTarget.eof()
    await setImmediate()
    client.close()
    await setImmediate()
    if (end === 'target') atTarget.close()
    else session.cutOff('access was revoked\n')
    await setImmediate()
    expect(told.at(-1)).toBe('closed')
    expect(outcomes).toMatchObject([{ status: 'lost' }])
  }
})

test('a command that its client has left is cancelled where its target says nothing more', async () => {
  const { client, atTarget, outcomes } = await running()
  client.close()
  await setImmediate()
  atTarget.close()
  await setImmediate()
  expect(outcomes).toMatchObject([{ status: 'cancelled' }])
})

test('what a mask has held back leaves no more than anything else while those do not watch who must', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let isPresent = true
  let told = (): void => undefined
  let held: Buffer = Buffer.alloc(0)
  const mask = {
    push: (bytes: Buffer) => ((held = bytes), Buffer.alloc(0)),
    flush: () => held,
    get heldSinceMs() {
      return held.length === 0 ? undefined : performance.now() - 1000
    },
    maskedValues: 0,
    maskedTags: [],
  } as unknown as OutputMask
  const permit = mintPermit(1 as OperationId, { maskedTags: new Set(), watchers: [['security']] }, 0)
  const audience = {
    isPresent: () => isPresent,
    onChange: (changed: () => void) => ((told = changed), { [Symbol.dispose]: () => undefined }),
  }
  const session = { id: 'ses_1', audience } as unknown as ChannelHost['session']
  const {
    atTarget,
    told: atClient,
    noted,
  } = await running('make', false, { authorize: () => permit, session, mask: () => mask })
  const come = (present: boolean): void => {
    isPresent = present
    told()
  }
  atTarget.write(Buffer.from('held back'))
  await setImmediate()
  come(false)
  vi.advanceTimersByTime(1000)
  await setImmediate()
  expect(atClient.filter((line) => line.startsWith('data'))).toEqual([])
  expect(noted).toEqual([])
  come(true)
  await setImmediate()
  expect(atClient.filter((line) => line.startsWith('data'))).toEqual(['data held back'])
  expect(noted).toMatchObject([{ kind: 'output', bytes: Buffer.from('held back') }])
})

test('a break without an answer is passed on without one, and with one as it is answered', async () => {
  const asked: (boolean | undefined)[] = []
  const { client, atTarget } = await running()
  atTarget.listen({ request: ({ wantsReply, reply }) => (asked.push(wantsReply), reply(true)) })
  client.tell('break', [500])
  await setImmediate()
  expect(await client.ask('break', [500])).toBe(true)
  expect(asked).toEqual([false, true])
})

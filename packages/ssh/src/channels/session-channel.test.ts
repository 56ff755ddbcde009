import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Outcome } from '@sallyport/core'
import type { Channel } from '../connection/channel.ts'
import { joined, passive } from '../testing/joined.ts'
import type { ChannelHost } from './host.ts'
import { SessionChannel } from './session-channel.ts'

/** A command that runs at a target which does as the test says. */
async function running(command = 'sleep 7') {
  const [client, gateway] = joined()
  const [toTarget, target] = joined()
  const outcomes: Outcome[] = []
  const host = {
    options: { environment: [], recordInput: false, hostKeys: [] },
    target: Promise.resolve({ ssh: toTarget, leave: () => undefined }),
    authorize: () => ({ kind: 'permit', id: 1, obligations: {} }),
    commit: () => undefined,
    note: () => undefined,
    finish: (_permit: unknown, outcome: Outcome) => void outcomes.push(outcome),
    mask: () => undefined,
    gone: new AbortController().signal,
    broke: passive.broken,
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
  channel.listen({})
  expect(await channel.ask('exec', [command])).toBe(true)
  await setImmediate()
  return { outcomes, heard, atTarget: channels[0]!, session: sessions[0]! }
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
  expect(heard).toEqual(['exec', 'signal TERM', 'closed'])
})

test('what a file server logs beside the protocol does not hold up the files', async () => {
  const { atTarget, heard } = await running('/usr/lib/openssh/sftp-server -e')
  expect(atTarget.writeError(Buffer.alloc(8 * 1024 * 1024))).toBe(false)
  await expect.poll(() => heard).toContain('drained')
})

import { expect, test } from 'vitest'
import { refusal, type Gate, type LoginClaim, type Session } from '@sallyport/core'
import type { SshOptions } from '../options.ts'
import type { ClientConnection } from '../ssh2/index.ts'
import { message, sendRaw } from '../testing/raw-ssh.ts'
import { runServer, withKeys } from '../testing/ssh-pair.ts'
import { LogIn, type LoggedIn } from './downstream.ts'

/** Lets everybody in, each when the test says so, and knows which sessions are over. */
class Doors {
  readonly asked: PromiseWithResolvers<void>[] = []
  readonly over: number[] = []

  readonly gate = {
    accepts: () => Promise.resolve(true),
    signIn: () => Promise.resolve(refusal('unsupported', 'not here')),
    open: async (_claim: LoginClaim) => {
      const number = this.asked.push(Promise.withResolvers<void>()) - 1
      await this.asked[number]!.promise
      const kind = 'session'
      return { kind, number, [Symbol.asyncDispose]: () => Promise.resolve(void this.over.push(number)) }
    },
  } as unknown as Gate<SshOptions>
}

const ed25519 = message(0, 'ssh-ed25519', Buffer.alloc(32, 1)).subarray(1)
const keyboard = message(50, 'alice', 'ssh-connection', 'keyboard-interactive', '', '')
const password = message(50, 'alice', 'ssh-connection', 'password', false, 'token')
const answer = message(61, 1, 'token')

test('a client that begins another attempt while one is being decided is in by the one that counts, and by no other', async () => {
  const doors = new Doors()
  const entered = Promise.withResolvers<LoggedIn>()
  await using server = await runServer((connection) => {
    const arrived = { connection, hello: { software: 'test' } }
    const logIn = new LogIn(arrived, doors.gate, '127.0.0.1:1', new AbortController().signal)
    logIn.run().then(entered.resolve, entered.reject)
  })
  const client = await withKeys(server.port)
  answers(client, () => sendRaw(client, answer))
  sendRaw(client, message(5, 'ssh-userauth'))
  sendRaw(client, keyboard)
  await expect.poll(() => doors.asked.length).toBe(1)
  sendRaw(client, password)
  await expect.poll(() => doors.asked.length).toBe(2)
  doors.asked[0]!.resolve()
  await expect.poll(() => doors.over).toEqual([0])
  doors.asked[1]!.resolve()
  const { opened, ssh } = await entered.promise
  expect((opened as Session & { number: number }).number).toBe(1)
  const heard = Promise.withResolvers<string>()
  ssh.listen({
    open: ({ type }) => heard.resolve(type),
    request: () => undefined,
    broken: heard.reject,
    over: () => heard.reject(new Error('over')),
  })
  sendRaw(client, message(90, 'session', 0, 1024, 1024))
  expect(await heard.promise).toBe('session')
  expect(doors.over).toEqual([0])
})

test.each(['begins another attempt', 'leaves'] as const)(
  'a client that %s while it is to be signed in leaves no sign-in behind',
  async (what) => {
    const waits: AbortSignal[] = []
    const wait = (signal: AbortSignal) => {
      waits.push(signal)
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(refusal('invalid-credential', 'over')))
      })
    }
    const gate = {
      ...new Doors().gate,
      signIn: () => Promise.resolve({ url: 'https://x.example', code: 'ABCD', wait }),
    } as unknown as Gate<SshOptions>
    await using server = await runServer((connection) => {
      const arrived = { connection, hello: { software: 'test' } }
      const logIn = new LogIn(arrived, gate, '127.0.0.1:1', new AbortController().signal)
      logIn.run().catch(() => undefined)
    })
    const client = await withKeys(server.port)
    answers(client, () => undefined)
    sendRaw(client, message(5, 'ssh-userauth'))
    sendRaw(client, keyboard)
    await expect.poll(() => waits.length).toBe(1)
    if (what === 'leaves') client.destroy()
    else sendRaw(client, keyboard)
    await expect.poll(() => waits[0]?.aborted).toBe(true)
  },
)

test.each([
  ['asks again and again what it may try', message(50, 'alice', 'ssh-connection', 'none'), 7],
  [
    'offers a good key again and again',
    message(50, 'alice', 'ssh-connection', 'publickey', false, 'ssh-ed25519', ed25519),
    21,
  ],
] as const)('a client that %s is turned away', async (_, request, times) => {
  const doors = new Doors()
  const failed = Promise.withResolvers<unknown>()
  let answered = 0
  await using server = await runServer((connection) => {
    connection.on('authentication', () => answered++)
    const arrived = { connection, hello: { software: 'test' } }
    const logIn = new LogIn(arrived, doors.gate, '127.0.0.1:1', new AbortController().signal)
    logIn.run().then(failed.reject, failed.resolve)
  })
  const client = await withKeys(server.port)
  hearsNothing(client, times)
  sendRaw(client, message(5, 'ssh-userauth'))
  for (let i = 0; i < times; i++) {
    sendRaw(client, request)
    await expect.poll(() => answered).toBe(i + 1)
  }
  expect(await failed.promise).toMatchObject({ refusal: { code: 'throttled' } })
})

/** A client that goes on by itself, whatever it is answered. */
function hearsNothing(client: ClientConnection, times: number): void {
  const { _protocol } = client as unknown as { _protocol: { _authsQueue: string[]; _handlers: object } }
  _protocol._authsQueue.push(...Array.from({ length: times }, () => 'publickey'))
  const ignored = (): void => undefined
  Object.assign(_protocol._handlers, { USERAUTH_FAILURE: ignored, USERAUTH_PK_OK: ignored })
}

/** A client that was asked, though ssh2 did not begin the attempt. */
function answers(client: ClientConnection, answer: () => void): void {
  const { _protocol } = client as unknown as {
    _protocol: { _authsQueue: string[]; _handlers: { USERAUTH_INFO_REQUEST: () => void } }
  }
  _protocol._authsQueue.push('keyboard-interactive', 'keyboard-interactive')
  _protocol._handlers.USERAUTH_INFO_REQUEST = answer
}

import { duplexPair, type Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { Fault, mintPermit, refusal, type Authorization, type OperationId } from '@sallyport/core'
import { Outbox } from '@sallyport/wire'
import { describe, expect, test } from 'vitest'
import { carry } from './carry.ts'
import type { FileConversation } from './conversation.ts'
import { FileOperation } from './operation.ts'

/** Asks about each chunk of the client that begins with `?`, and passes the rest. */
class Echo implements FileConversation {
  readonly out = { client: new Outbox(), server: new Outbox() }
  readonly takesServer = true
  takesClient = true
  asked: FileOperation | undefined
  isEnded = false
  #held: Buffer | undefined

  get isWaiting(): boolean {
    return this.#held !== undefined
  }

  client(chunk: Buffer): void {
    if (chunk.toString() === '!') throw new Fault('client/malformed', 'an exclamation')
    if (chunk[0] !== 0x3f) return this.out.server.put(chunk)
    this.#held = chunk
    this.asked = new FileOperation([], { transfer: 'sftp' }, [], chunk.toString())
  }

  server(chunk: Buffer): void {
    this.out.client.put(chunk)
  }

  settle(authorization: Authorization): void {
    const held = this.#held!
    this.#held = this.asked = undefined
    if (authorization.kind === 'permit') this.out.server.put(held)
    else this.out.client.put(Buffer.from(authorization.reason))
  }

  end(): void {
    this.isEnded = true
  }
}

const permit = mintPermit(1 as OperationId, { maskedTags: new Set() }, 0)

function carried(authorize: () => Authorization | Promise<Authorization> = () => permit): {
  client: Duplex
  downstream: Duplex
  target: Duplex
  conversation: Echo
  commits: string[]
  abort: AbortController
  over: ReturnType<typeof carry>
} {
  const [client, downstream] = duplexPair()
  const [target, upstream] = duplexPair()
  const conversation = new Echo()
  const commits: string[] = []
  const abort = new AbortController()
  const commit = (): void => void commits.push('commit')
  target.on('data', (chunk: Buffer) => commits.push(chunk.toString()))
  const over = carry({
    client: downstream,
    target: upstream,
    conversation,
    authorize,
    commit,
    signal: abort.signal,
  })
  return { client, downstream, target, conversation, commits, abort, over }
}

describe('a conversation over two channels', () => {
  test('what was permitted is recorded before its bytes leave', async () => {
    const { client, target, commits, over } = carried()
    client.write('plain')
    await turn()
    client.write('?asked')
    await turn()
    expect(commits).toEqual(['plain', 'commit', '?asked'])
    target.end('bye')
    expect(await over).toBe('target-left')
    expect(String(client.read())).toBe('bye')
  })

  test("the client's end waits for what is held", async () => {
    let decide: (authorization: Authorization) => void = () => undefined
    const held = new Promise<Authorization>((resolve) => (decide = resolve))
    const { client, target, commits } = carried(() => held)
    let hasEnded = false
    target.on('end', () => (hasEnded = true))
    client.end('?asked')
    await turn()
    expect(hasEnded).toBe(false)
    decide(permit)
    await turn()
    await turn()
    expect([commits, hasEnded]).toEqual([['commit', '?asked'], true])
  })

  test('a refused one is answered, and the channel goes on', async () => {
    const { client, commits } = carried(() => refusal('denied', 'no'))
    client.write('?asked')
    await turn()
    await turn()
    client.write('plain')
    await turn()
    expect(String(client.read())).toBe('no')
    expect(commits).toEqual(['plain'])
  })

  test('it is over when a side breaks the protocol, the client leaves, or the session ends', async () => {
    const malformed = carried()
    malformed.client.write('!')
    expect(await malformed.over).toMatchObject({ code: 'client/malformed' })
    const left = carried()
    left.downstream.destroy()
    expect(await left.over).toBe('client-left')
    const killed = carried()
    killed.abort.abort(refusal('session-killed', 'stopped'))
    expect(await killed.over).toMatchObject({ code: 'session-killed' })
    expect([malformed, left, killed].map(({ conversation }) => conversation.isEnded)).toEqual([
      true,
      true,
      true,
    ])
  })

  test('a side that does not read makes the other wait', async () => {
    const { client, target } = carried()
    const chunk = Buffer.alloc(64 * 1024)
    let written = 0
    while (written < 4 * 1024 * 1024 && target.write(chunk)) {
      written += chunk.length
      await turn()
    }
    expect(written).toBeLessThan(1024 * 1024)
    client.resume()
    await new Promise((resolve) => target.once('drain', resolve))
  })
})

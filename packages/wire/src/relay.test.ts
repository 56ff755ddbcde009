import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  Fault,
  mintPermit,
  refusal,
  type Authorization,
  type Operation,
  type OperationId,
} from '@sallyport/core'
import { mostOwedAnswers, type Conversation, type Outboxes, type Side, type Verdict } from './conversation.ts'
import { relay, type RelayEnd } from './relay.ts'

/** Lines: `?…` is asked about, everything else passes. Lines that begin with `=` are answered by a line. */
class Lines implements Conversation {
  readonly headBytes = 1
  ended: Fault | undefined
  owedAnswers = 0

  flush(out: Outboxes): void {
    out.server.put(Buffer.from('flush\n'))
  }

  length(_side: Side, chunk: Buffer, at: number): number {
    const newline = chunk.indexOf(10, at)
    if (newline === -1) return chunk.length - at + 1
    return newline - at + 1
  }

  needed(side: Side, _chunk: Buffer, _at: number, length: number): number {
    return side === 'client' ? length : 1
  }

  client(chunk: Buffer, from: number, to: number): Verdict | Operation {
    if (chunk[from] === 0x3d) this.owedAnswers++
    if (chunk[from] !== 0x3f) return 'pass'
    return { text: chunk.subarray(from + 1, to - 1).toString(), parameters: [], binding: () => [] }
  }

  settle(asked: Operation, authorization: Authorization, out: Outboxes): Verdict {
    if (authorization.kind === 'permit') return 'pass'
    out.client.put(Buffer.from(`refused ${asked.text}\n`))
    return 'drop'
  }

  server(chunk: Buffer, from: number): Verdict {
    if (chunk[from] === 0x3d) this.owedAnswers--
    return 'pass'
  }

  notice(text: string): Buffer {
    return Buffer.from(`notice ${text}\n`)
  }

  farewell(cause: Fault | { code: string }): { client: Buffer; server: Buffer } {
    return { client: Buffer.from(`bye ${cause.code}\n`), server: Buffer.from('X\n') }
  }

  serverEnded(): Fault | undefined {
    return this.ended
  }
}

async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = createConnection({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    allowHalfOpen: true,
  })
  const [far] = (await once(server, 'connection')) as [Socket]
  server.close()
  return [near, far]
}

interface World {
  readonly client: Socket
  readonly target: Socket
  readonly end: Promise<RelayEnd>
  readonly committed: () => number
  readonly gone: () => number
  readonly abort: AbortController
  readonly lines: Lines
}

const permit = mintPermit(1 as OperationId, { maskedTags: new Set() }, 0)

async function world(
  authorize: (asked: Operation, tell: (notice: string) => void) => Authorization | Promise<Authorization>,
  commit: () => void = () => undefined,
  before: (downstream: Socket, upstream: Socket) => Promise<unknown> = () => Promise.resolve(),
): Promise<World> {
  const [client, downstream] = await pair()
  const [upstream, target] = await pair()
  const abort = new AbortController()
  const lines = new Lines()
  let committed = 0
  let gone = 0
  await before(downstream, upstream)
  const end = relay({
    downstream,
    upstream,
    conversation: lines,
    authorize,
    commit: () => {
      committed++
      return commit()
    },
    clientGone: () => gone++,
    signal: abort.signal,
  })
  return { client, target, end, committed: () => committed, gone: () => gone, abort, lines }
}

async function line(socket: Socket): Promise<string> {
  let text = ''
  for (;;) {
    const byte: unknown = socket.read(1)
    if (Buffer.isBuffer(byte)) {
      if (byte[0] === 10) return text
      text += byte.toString()
    } else if (socket.readableEnded) return text
    else await Promise.race([once(socket, 'readable'), once(socket, 'end')])
  }
}

const permitAll = (): Authorization => permit

describe('a stream that was gone before the relay began', () => {
  const gone =
    (which: 'downstream' | 'upstream', error?: Error) =>
    (downstream: Socket, upstream: Socket): Promise<unknown> => {
      const stream = which === 'downstream' ? downstream : upstream
      stream.on('error', () => undefined)
      return new Promise((resolve) => stream.destroy(error).once('close', resolve))
    }

  test('ends it as if the target had left just now', async () => {
    const { client, end } = await world(permitAll, undefined, gone('upstream'))
    client.resume().on('end', () => client.end())
    expect((await end).cause).toBe('target-left')
  })

  test('ends it with what broke the connection to the target', async () => {
    const lost = new Fault('gateway/agent-lost', 'the agent is gone')
    const { client, end } = await world(permitAll, undefined, gone('upstream', lost))
    expect(await line(client)).toBe('bye gateway/agent-lost')
    expect((await end).cause).toBe(lost)
  })

  test('ends it as if the client had left just now', async () => {
    const { end } = await world(permitAll, undefined, gone('downstream'))
    expect((await end).cause).toBe('client-left')
  })
})

describe('relay', () => {
  test('what is permitted passes, after it was committed', async () => {
    const { client, target, committed } = await world(() => permit)
    client.write('a\n?b\nc\n')
    expect([await line(target), await line(target), await line(target)]).toEqual(['a', '?b', 'c'])
    expect(committed()).toBe(1)
    client.destroy()
  })

  test('what is refused does not reach the target', async () => {
    const { client, target } = await world((asked) => (asked.text === 'b' ? refusal('denied', 'no') : permit))
    client.write('?b\n?c\n')
    expect(await line(client)).toBe('refused b')
    expect(await line(target)).toBe('?c')
    client.destroy()
  })

  test('a held operation holds what is behind it, tells the client, and lets the target speak', async () => {
    const answer = Promise.withResolvers<Authorization>()
    const { client, target } = await world((_asked, tell) => {
      tell('waiting')
      return answer.promise
    })
    client.write('?b\nc\n')
    expect(await line(client)).toBe('notice waiting')
    target.write('news\n')
    expect(await line(client)).toBe('news')
    expect(target.read()).toBe(null)
    answer.resolve(permit)
    expect([await line(target), await line(target)]).toEqual(['?b', 'c'])
    client.destroy()
  })

  test('when recording fails the operation does not leave, and the client is told', async () => {
    const { client, target, end } = await world(
      () => permit,
      () => {
        throw new Fault('gateway/cannot-record', 'disk full')
      },
    )
    client.write('?b\n')
    target.on('end', () => target.end())
    expect(await line(client)).toBe('bye gateway/cannot-record')
    expect(await line(target)).toBe('X')
    expect((await end).cause).toMatchObject({ code: 'gateway/cannot-record' })
    client.destroy()
  })

  test('a client that leaves while an operation is held is noticed at once', async () => {
    const { client, target, end, gone } = await world(() => new Promise(() => undefined))
    client.write('?b\n')
    client.end()
    expect((await end).cause).toBe('client-left')
    expect(gone()).toBeGreaterThan(0)
    expect(await line(target)).toBe('')
  })

  test('an abort is worded to the client and closes both sides', async () => {
    const { client, target, end, abort } = await world(() => permit)
    client.write('a\n')
    await line(target)
    abort.abort(refusal('session-killed', 'killed'))
    expect(await line(client)).toBe('bye session-killed')
    expect((await end).cause).toMatchObject({ code: 'session-killed' })
    target.destroy()
    client.destroy()
  })

  test("the target's unexpected end is worded as a fault, its due end is not", async () => {
    const unexpected = await world(() => permit)
    unexpected.lines.ended = new Fault('target/closed', 'gone')
    unexpected.target.end()
    expect(await line(unexpected.client)).toBe('bye target/closed')
    unexpected.client.destroy()
    const due = await world(() => permit)
    due.target.end('last\n')
    expect(await line(due.client)).toBe('last')
    expect(await line(due.client)).toBe('')
    due.client.destroy()
    expect((await due.end).cause).toBe('target-left')
  })

  test('what is small leaves at once, and where something large waits for the end of the turn, with it and in order', async () => {
    let near: { readonly downstream: Socket; readonly upstream: Socket } | undefined
    const { client } = await world(permitAll, undefined, (downstream, upstream) => {
      near = { downstream, upstream }
      return Promise.resolve()
    })
    const { downstream, upstream } = near!
    let written = 0
    const write = vi.spyOn(downstream, 'write').mockImplementation((bytes) => {
      written += (bytes as Buffer).length
      return true
    })
    const large = Buffer.alloc(20_000, 'x')
    upstream.emit('data', Buffer.from('a\n'))
    upstream.emit('data', Buffer.from('b\n'))
    expect(write.mock.calls.map(([bytes]) => String(bytes))).toEqual(['a\n', 'b\n'])
    upstream.emit('data', large)
    upstream.emit('data', Buffer.from('c\n'))
    upstream.emit('data', large)
    upstream.emit('data', Buffer.from('d\n'))
    expect(written).toBe(4)
    await new Promise((resolve) => void setImmediate(resolve))
    expect(Buffer.concat(write.mock.calls.slice(2).map(([bytes]) => bytes as Buffer))).toEqual(
      Buffer.concat([large, Buffer.from('c\n'), large, Buffer.from('d\n')]),
    )
    upstream.emit('data', Buffer.from('e\n'))
    expect(String(write.mock.lastCall?.[0])).toBe('e\n')
    write.mockRestore()
    client.destroy()
  })

  test('a client that reads nothing stops the target, and nothing is lost when it reads again', async () => {
    const { client, target } = await world(() => permit)
    client.pause()
    const chunk = Buffer.alloc(64 * 1024, 'x')
    chunk[chunk.length - 1] = 10
    let written = 0
    for (; written < 400; written++) target.write(chunk)
    await new Promise((resolve) => setTimeout(resolve, 300))
    // Far less than what was written has left the target's own buffer: the relay did not read on.
    expect(target.writableLength).toBeGreaterThan(0)
    let read = 0
    client.on('data', (bytes: Buffer) => (read += bytes.length))
    client.resume()
    target.end()
    await once(client, 'end')
    expect(read).toBe(written * chunk.length)
    client.destroy()
  })
})

describe('a client far ahead of the answers', () => {
  /** Answers what it is asked, keeps the answers back, and sends them when it is told to. */
  function answerFrugally(target: Socket): { readonly asked: () => number; readonly mostKept: () => number } {
    let [rest, kept, asked, mostKept] = ['', 0, 0, 0]
    target.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!
      for (const text of lines) {
        if (text.startsWith('=')) {
          asked++
          mostKept = Math.max(mostKept, ++kept)
        } else {
          target.write('=\n'.repeat(kept))
          kept = 0
        }
      }
    })
    return { asked: () => asked, mostKept: () => mostKept }
  }

  test('is read no further, and all of it is answered as the answers come', async () => {
    const { client, target, end, lines } = await world(permitAll)
    const { asked, mostKept } = answerFrugally(target)
    const count = 50_000
    let answers = 0
    client.on('data', (chunk: Buffer) => {
      answers += chunk.length / 2
    })
    client.write('=\n'.repeat(count))
    client.write('end\n')
    await vi.waitFor(() => expect(answers).toBe(count), { timeout: 15_000 })
    expect(asked()).toBe(count)
    expect(mostKept()).toBeLessThanOrEqual(mostOwedAnswers)
    expect(lines.owedAnswers).toBe(0)
    client.end()
    target.end()
    await end
  })

  test('may have said all it has to say', async () => {
    const { client, target, end } = await world(permitAll)
    const { asked } = answerFrugally(target)
    const count = mostOwedAnswers * 3
    let answers = 0
    client.on('data', (chunk: Buffer) => {
      answers += chunk.length / 2
    })
    client.end(`${'=\n'.repeat(count)}end\n`)
    target.on('end', () => target.end())
    expect((await end).cause).toBe('target-left')
    expect([asked(), answers]).toEqual([count, count])
  })
})

import { describe, expect, test } from 'vitest'
import type { Fault } from '@sallyport/core'
import { maxPendingRequests, windowBytes } from '../limits.ts'
import type { Channel, ChannelRequest, Line } from './channel.ts'
import { NotOpened, SshConnection, type GlobalRequest, type OpenRequest } from './connection.ts'
import { encodeMessage, message } from './messages.ts'

/** Two peers whose messages reach each other a turn later; what either sent is kept. */
function peers(): {
  a: SshConnection
  b: SshConnection
  sent: { a: Buffer[]; b: Buffer[] }
  opened: OpenRequest[]
  asked: GlobalRequest[]
  faults: Fault[]
  full: { a: boolean }
} {
  const sent = { a: [] as Buffer[], b: [] as Buffer[] }
  const opened: OpenRequest[] = []
  const asked: GlobalRequest[] = []
  const faults: Fault[] = []
  const full = { a: false }
  const lineTo = (name: 'a' | 'b', other: () => SshConnection): Line => ({
    get isFull() {
      return name === 'a' && full.a
    },
    send: (payload) => {
      sent[name].push(payload)
      queueMicrotask(() => other().take(payload))
    },
  })
  const a: SshConnection = new SshConnection(lineTo('a', () => b))
  const b: SshConnection = new SshConnection(lineTo('b', () => a))
  for (const peer of [a, b])
    peer.listen({
      open: (request) => opened.push(request),
      request: (request) => asked.push(request),
      broken: (fault) => faults.push(fault),
      over: () => undefined,
    })
  return { a, b, sent, opened, asked, faults, full }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function channel(it: ReturnType<typeof peers>): Promise<{ mine: Channel; theirs: Channel }> {
  const opening = it.a.open('session')
  await turn()
  const theirs = it.opened.at(-1)!.accept()
  return { mine: await opening, theirs }
}

describe('a channel', () => {
  test('carries both streams whole and in order, no faster than they are taken', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    const heard = { out: 0, error: 0 }
    let inOrder = ''
    theirs.listen({
      data: (bytes) => {
        heard.out += bytes.length
        inOrder += String.fromCharCode(bytes[0]!)
      },
      errorData: (bytes) => (heard.error += bytes.length),
    })
    let drained = 0
    mine.listen({ drained: () => drained++ })
    const chunk = Buffer.alloc(windowBytes / 2, 'o')
    expect(mine.write(chunk)).toBe(true)
    expect(mine.writeError(Buffer.alloc(windowBytes, 'e'))).toBe(false)
    expect(mine.write(Buffer.from('z'))).toBe(false)
    await turn()
    expect(heard.out + heard.error).toBe(windowBytes)
    theirs.consumed(windowBytes)
    await turn()
    expect(heard).toEqual({ out: windowBytes / 2 + 1, error: windowBytes })
    expect(inOrder.at(-1)).toBe('z')
    expect(drained).toBe(1)
  })

  test('waits while its connection has more to write than it gets rid of', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    let heard = 0
    theirs.listen({ data: (bytes) => (heard += bytes.length) })
    mine.listen({})
    it.full.a = true
    expect(mine.write(Buffer.from('hello'))).toBe(false)
    await turn()
    expect(heard).toBe(0)
    it.full.a = false
    it.a.flush()
    await turn()
    expect(heard).toBe(5)
  })

  test('that is sent more than it has room for breaks its connection', async () => {
    const it = peers()
    const { theirs } = await channel(it)
    theirs.listen({})
    const much = encodeMessage(message.channelData, [0, Buffer.alloc(windowBytes + 1)])
    it.b.take(much)
    expect(it.faults).toMatchObject([{ code: 'client/too-large' }])
  })

  test('says how it ended before its end, and its end before its close', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    const heard: string[] = []
    mine.listen({
      data: () => heard.push('data'),
      request: ({ type }) => heard.push(type),
      eof: () => heard.push('eof'),
      closed: () => heard.push('closed'),
    })
    theirs.listen({})
    theirs.write(Buffer.from('last'))
    theirs.tell('exit-status', [0])
    theirs.close()
    await turn()
    expect(heard).toEqual(['data', 'exit-status', 'eof', 'closed'])
  })

  test('may end, and still say how what ran ended', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    const heard: string[] = []
    mine.listen({ eof: () => heard.push('eof'), request: ({ type }) => heard.push(type) })
    theirs.listen({})
    theirs.eof()
    theirs.tell('exit-status', [3])
    await turn()
    expect(heard).toEqual(['eof', 'exit-status'])
  })

  test('loses nothing of what comes before anybody listens', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    theirs.listen({})
    theirs.write(Buffer.from('early'))
    theirs.close()
    await turn()
    const heard: string[] = []
    mine.listen({ data: (bytes) => heard.push(bytes.toString()), closed: () => heard.push('closed') })
    expect(heard).toEqual(['early', 'closed'])
  })

  test('answers requests in their order, however late an answer is given', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    const requests: ChannelRequest[] = []
    mine.listen({})
    theirs.listen({ request: (request) => requests.push(request) })
    const answers: string[] = []
    void mine.ask('first').then((isDone) => answers.push(`first ${isDone}`))
    void mine.ask('second').then((isDone) => answers.push(`second ${isDone}`))
    await turn()
    requests[1]!.reply(true)
    await turn()
    expect(answers).toEqual([])
    requests[0]!.reply(false)
    await turn()
    expect(answers).toEqual(['first false', 'second true'])
  })

  test('on which too much is asked without an answer breaks its connection', async () => {
    const it = peers()
    const { mine, theirs } = await channel(it)
    theirs.listen({ request: () => undefined })
    for (let i = 0; i <= maxPendingRequests; i++) void mine.ask('env')
    await turn()
    expect(it.faults).toMatchObject([{ code: 'client/too-large' }])
  })

  test('whose peer takes tiny packets only is not served', () => {
    const it = peers()
    it.b.take(encodeMessage(message.channelOpen, ['session', 7, windowBytes, 1]))
    expect(() => it.opened[0]!.accept()).toThrow(expect.objectContaining({ code: 'client/malformed' }))
  })
})

describe('a connection', () => {
  test('tells why a channel is not opened', async () => {
    const it = peers()
    const opening = it.a.open('session')
    await turn()
    it.opened[0]!.refuse(4, 'no more')
    await expect(opening).rejects.toEqual(new NotOpened(4, 'no more'))
  })

  test('that is over is over for all that waits on it', async () => {
    const it = peers()
    const { mine } = await channel(it)
    let isClosed = false
    mine.listen({ closed: () => (isClosed = true) })
    const opening = it.a.open('session')
    const answer = it.a.ask('anything')
    it.a.over()
    expect(isClosed).toBe(true)
    expect(await answer).toBeUndefined()
    await expect(opening).rejects.toMatchObject({ code: 'client/gone' })
    await expect(it.a.open('session')).rejects.toMatchObject({ code: 'client/gone' })
  })

  test.each([
    ['an answer to nothing', [message.requestSuccess]],
    ['a channel that nobody opens', [message.channelOpenConfirmation, 0, 0, 0, 9, 0, 0, 0, 1]],
    ['a message that is cut short', [message.channelOpen, 0, 0, 0, 9, 1]],
    ['a message that there is not', [120, 0, 0, 0, 0]],
  ])('is broken by %s', async (_what, bytes) => {
    const it = peers()
    await channel(it)
    it.a.take(Buffer.from(bytes))
    expect(it.faults).toHaveLength(bytes[0] === 120 ? 0 : 1)
  })

  test('counts how often nobody answered, and begins anew with whatever is heard', async () => {
    const it = peers()
    expect([it.a.ping(), it.a.ping()]).toEqual([1, 2])
    await turn()
    it.asked[0]!.reply(false)
    await turn()
    expect(it.a.ping()).toBe(1)
  })
})

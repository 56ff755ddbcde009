import { EventEmitter } from 'node:events'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ChunkSchema, type AgentEvent, type Failure } from '@sallyport/proto'
import { AgentEventSchema } from '../../../packages/proto/src/gen/sallyport/tunnel/v1/tunnel_pb.ts'
import { formatJoinToken, parseJoinToken } from '@sallyport/tunnel'
import { CarriedStream, type CarryCall } from '../../../packages/tunnel/src/carry.ts'
import { ChunkReader, encodeData, encodeSign, type Frame } from '../../../packages/tunnel/src/chunk.ts'
import { Attachment } from '../../../packages/tunnel/src/gateway/attachment.ts'
import type { CommandInit } from '../../../packages/tunnel/src/gateway/calls.ts'
import { defaultLimits } from '../../../packages/tunnel/src/limits.ts'
import { pick, Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut } from './postgres/dialogue.ts'

/** An input: messages of the other end, each with its length in one byte before it. */
export const target: Target = {
  name: 'tunnel',
  promise:
    'a hostile agent or gateway ends nothing but its own stream: frames mean what protocol buffers say, and a cut result never looks whole',
  unit: 'messages',
  units: { long: 1_000_000, short: 3_000 },
  guide: /packages\/(tunnel|proto)\/src\//,
  maxBytes: 4096,
  slowMs: 300,
  open: () => Promise.resolve(subject),
}

const chunks = (
  [
    { frame: { case: 'data', value: Buffer.from('bytes') } },
    { frame: { case: 'data', value: Buffer.alloc(0) } },
    { frame: { case: 'data', value: Buffer.alloc(130, 7) } },
    { frame: { case: 'fin', value: {} } },
    { frame: { case: 'reset', value: { failure: 3 } } },
    { frame: { case: 'reset', value: { failure: 99 as Failure } } },
    { frame: { case: 'ticket', value: Buffer.alloc(16, 1) } },
    {},
  ] as const
).map((message) => Buffer.from(toBinary(ChunkSchema, create(ChunkSchema, message))))

const events = (
  [
    { event: { case: 'hello', value: { instance: Buffer.alloc(16), version: '1' } } },
    { event: { case: 'pong', value: { id: 1n } } },
    { event: { case: 'pong', value: { id: 2n ** 64n - 1n } } },
    { event: { case: 'dialFailed', value: { ticket: Buffer.alloc(16), failure: 1 } } },
    {
      event: {
        case: 'credential',
        value: { id: 1n, answer: { case: 'credential', value: { user: 'a', password: 'b' } } },
      },
    },
    { event: { case: 'credential', value: { id: 1n, answer: { case: 'credential', value: { user: '' } } } } },
    { event: { case: 'credential', value: { id: 1n, answer: { case: 'failure', value: 6 } } } },
    { event: { case: 'drain', value: {} } },
    {},
  ] as const
).map((message) => Buffer.from(toBinary(AgentEventSchema, create(AgentEventSchema, message))))

const token = formatJoinToken({
  secret: { reveal: () => 'a'.repeat(43) } as never,
  authorityFingerprint: 'b'.repeat(43),
})
const words = [...chunks, ...events, Buffer.from(token.reveal())]

const subject: Subject = {
  seeds: words.map((word) => framed([word])),
  words,
  invent: (random: Random) => framed(Array.from({ length: 1 + random.below(8) }, () => pick(random, words))),
  async run(input) {
    const messages = [...unframed(input)]
    // Where no byte follows, an empty one is still waited for.
    while (messages.at(-1)?.length === 0) messages.pop()
    const random = Random.of(input)
    for (const message of messages) checkToken(message)
    checkChunks(messages, random)
    await checkCarried(messages, random)
    await checkAttachment(messages)
    return Math.max(1, messages.length)
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function framed(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.of(message.length), message]))
}

function* unframed(input: Buffer): Generator<Buffer> {
  for (let at = 0; at < input.length; at += 1 + input[at]!) yield input.subarray(at + 1, at + 1 + input[at]!)
}

/** gRPC messages through the reader of the hot path, in any cutting, beside protobuf's own. */
function checkChunks(messages: readonly Buffer[], random: Random): void {
  const wire = Buffer.concat(messages.flatMap((message) => [prefixOf(message), message]))
  const theirs: string[] = []
  for (const message of messages) {
    const said = orRefused(() => saidByProtobuf(message))
    theirs.push(said)
    if (said === 'refused') break
  }
  const ours = read(cut(wire, random))
  const whole = read([wire])
  must(ours.join() === whole.join(), () => `read as ${whole.join()}, and cut as ${ours.join()}`)
  must(
    joined(whole) === joined(theirs),
    () => `read as ${joined(whole)}, where protocol buffers read ${joined(theirs)}`,
  )
  if (theirs.includes('refused')) return
  const again = frames([wire]).map((frame) =>
    Buffer.isBuffer(frame) ? encodeData([frame], frame.length) : encodeSign(frame),
  )
  must(joined(read(again)) === joined(whole), () => `${joined(whole)} became ${joined(read(again))}`)
}

function prefixOf(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return prefix
}

function saidByProtobuf(message: Buffer): string {
  if (message.length === 0) throw new RangeError('no frame')
  const { frame } = fromBinary(ChunkSchema, message)
  if (frame.case === undefined) throw new RangeError('no frame')
  if (frame.case === 'fin') return 'fin'
  return frame.case === 'reset'
    ? `reset ${frame.value.failure}`
    : `${frame.case} ${Buffer.from(frame.value).toString('hex')}`
}

function frames(pieces: readonly Buffer[]): readonly Frame[] {
  const reader = new ChunkReader()
  const found: Frame[] = []
  for (const piece of pieces) reader.push(piece, (frame) => found.push(frame))
  return found
}

/** Data of any cutting in one piece; `refused` where it ends so. */
function read(pieces: readonly Buffer[]): readonly string[] {
  const reader = new ChunkReader()
  const said: string[] = []
  try {
    for (const piece of pieces)
      reader.push(piece, (frame) => {
        const words = saidOf(frame)
        if (words.startsWith('data ') && said.at(-1)?.startsWith('data ') === true)
          said[said.length - 1] += words.slice(5)
        else said.push(words)
      })
  } catch {
    said.push('refused')
  }
  return said
}

/** Where one piece of data ends and the next begins means nothing. */
function joined(said: readonly string[]): string {
  return said.join(';').replaceAll(/;data |(?<=data );?data /g, '')
}

function orRefused(read: () => string): string {
  try {
    return read()
  } catch {
    return 'refused'
  }
}

function saidOf(frame: Frame): string {
  if (Buffer.isBuffer(frame)) return `data ${frame.toString('hex')}`
  if (frame.kind === 'fin') return 'fin'
  if (frame.kind === 'reset') return `reset ${frame.failure}`
  return `ticket ${Buffer.from(frame.ticket).toString('hex')}`
}

function checkToken(bytes: Buffer): void {
  const text = bytes.toString('latin1')
  const read = parseJoinToken(text)
  if (read !== undefined)
    must(formatJoinToken(read).reveal() === text.trim(), () => `another token than ${text}`)
}

/** What is read of a carried connection is its data up to FIN; without a FIN there is an error, never an end. */
async function checkCarried(messages: readonly Buffer[], random: Random): Promise<void> {
  const call = new Carried()
  const stream = new CarriedStream({
    call: call as unknown as CarryCall, // only what a carried stream uses of a call is there
    cut: () => undefined,
    lost: () => new Error('lost'),
    reset: () => new Error('reset'),
  })
  let end: 'end' | 'error' | undefined
  const received: Buffer[] = []
  const over = new Promise<void>((resolve) => {
    const ended = (how: 'end' | 'error') => (): void => {
      end ??= how
      resolve()
    }
    stream
      .on('data', (chunk: Buffer) => received.push(chunk))
      .on('end', ended('end'))
      .on('error', ended('error'))
  })
  const expected: Buffer[] = []
  let ending: 'fin' | 'broken' | undefined
  const wire = Buffer.concat(messages.flatMap((message) => [prefixOf(message), message]))
  const reader = new ChunkReader()
  try {
    for (const piece of cut(wire, random))
      reader.push(piece, (frame) => {
        call.onFrame(frame)
        if (ending !== undefined) return
        if (Buffer.isBuffer(frame)) expected.push(frame)
        else ending = frame.kind === 'fin' ? 'fin' : 'broken'
      })
  } catch {
    // The call is then lost, as it is at its end.
  }
  call.onLost()
  await over
  const [got, due] = [Buffer.concat(received), Buffer.concat(expected)]
  must(due.subarray(0, got.length).equals(got), () => 'other bytes than were carried')
  if (end === 'end') must(ending === 'fin' && got.equals(due), () => 'a cut result looks whole')
  stream.destroy()
}

/** The part of a carried call that its stream uses. */
class Carried {
  readonly stream = new EventEmitter()
  onFrame!: (frame: Frame) => void
  onLost!: () => void

  listen(onFrame: (frame: Frame) => void, onLost: () => void): void {
    this.onFrame = onFrame
    this.onLost = onLost
  }

  pause(): void {}

  resume(): void {}

  writeSign(_sign: unknown, done?: () => void): void {
    done?.()
  }
}

/** A hostile agent's events: at most its own attachment ends, and whoever asks it for a credential hears something. */
async function checkAttachment(messages: readonly Buffer[]): Promise<void> {
  const call = new Call()
  let ends = 0
  const attachment = new Attachment(
    // Only what an attachment uses of a call is there.
    call as unknown as ServerDuplexStream<AgentEvent, CommandInit>,
    { id: 'a', pool: 'local', name: 'a', instance: '', version: '1', address: '' },
    {
      limits: defaultLimits,
      place: { process: 0, processes: 1 },
      clock: { now: () => 0, elapsed: () => 0 },
      onEvent: () => undefined,
      onDialFailed: () => undefined,
      onEnd: () => ends++,
    },
  )
  const asked = attachment
    .releaseCredential({ name: 'a', resource: 'b', session: 'c' }, new AbortController().signal)
    .then(
      ({ user }) => user,
      () => 'refused',
    )
  for (const message of messages) {
    let event: AgentEvent
    try {
      event = fromBinary(AgentEventSchema, message)
    } catch {
      break
    }
    call.emit('data', event)
  }
  attachment.end('cut')
  const user = await asked
  must(user !== '', () => 'a credential without a user')
  must(ends === 1, () => `ended ${ends} times`)
}

/** The part of a grpc-js call that is used. */
class Call extends EventEmitter {
  readonly writableLength = 0

  constructor() {
    super()
    this.on('error', () => undefined)
  }

  write(_message: unknown, done?: () => void): boolean {
    done?.()
    return true
  }

  pause(): this {
    return this
  }

  resume(): this {
    return this
  }

  end(): void {}
}

import { Fault } from '@sallyport/core'
import { openFlag } from '../../../packages/ssh/src/sftp/codec/packets.ts'
import { answeredIds, converse, someRequest } from '../../../packages/ssh/src/sftp/testing/dialogue.ts'
import {
  data,
  init,
  packetsOf,
  read,
  request,
  response,
  status,
  write,
} from '../../../packages/ssh/src/sftp/testing/packets.ts'
import { World } from '../../../packages/ssh/src/sftp/testing/world.ts'
import { Random, Tape } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut } from './postgres/dialogue.ts'

/** An input: what is tried in one byte, and then choices of a client's requests, or one side's bytes as they are. */
export const target: Target = {
  name: 'sftp',
  promise:
    'whatever is in flight, nothing is done where policy forbids it, each request has one answer, and bytes mean the same in any cutting',
  unit: 'inputs',
  units: { long: 100_000, short: 3_000 },
  guide: /packages\/ssh\/src\/(sftp|transfer)\//,
  maxBytes: 4096,
  slowMs: 500,
  open: () => Promise.resolve(subject),
}

const path = Buffer.from('/home/a')
const words = [
  init,
  read(1, 'h', 0, 100),
  write(1, 'h', 0, Buffer.from('bytes')),
  request(1, { is: 'open', path, flags: openFlag.read, attributes: {} }),
  request(1, { is: 'open', path, flags: openFlag.write, attributes: { size: 1n, permissions: 1 } }),
  request(1, { is: 'close', handle: 'h' }),
  request(1, { is: 'fsetstat', handle: 'h', attributes: { size: 3n } }),
  request(1, { is: 'rename', from: path, to: path }),
  request(1, { is: 'symlink', first: path, second: path }),
  request(1, { is: 'copy-data', from: 'h', fromOffset: 0n, length: 0n, to: 'h', toOffset: 0n }),
  request(1, { is: 'users-groups-by-id', uids: Buffer.alloc(4), gids: Buffer.alloc(4) }),
  request(1, { is: 'expand-path', path: Buffer.from('~b') }),
  request(1, { is: 'limits' }),
  data(1, Buffer.from('bytes')),
  status(1, 0),
  status(1, 1),
  response(1, { is: 'handle', handle: 'g' }),
  response(1, { is: 'name', names: [path] }),
  response(1, { is: 'attrs', attributes: { size: 5n } }),
]

const subject: Subject = {
  seeds: words.flatMap((word) => [2, 3].map((kind) => Buffer.concat([Buffer.of(kind), word]))),
  words,
  invent: (random) => Buffer.concat([Buffer.of(random.below(4)), random.bytes(random.below(400))]),
  run(input) {
    const rest = input.subarray(1)
    switch (input[0]! & 3) {
      case 2:
        return clientBytes(rest)
      case 3:
        return targetBytes(rest)
      default:
        return requests(rest, (input[0]! & 1) === 1)
    }
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function requests(choices: Buffer, isStrict: boolean): number {
  const tape = new Tape(choices)
  const sent: Buffer[] = []
  while (!tape.isAtEnd) sent.push(someRequest(sent.length, (limit) => tape.below(limit)))
  const all = Buffer.concat(sent)
  const whole = converse(all, (bytes) => [bytes], isStrict)
  const wrong = whole.target.touched.filter((real) => real.startsWith('/secret'))
  must(wrong.length === 0, () => `something was done at ${wrong.join()}`)
  const ids = [...answeredIds(whole.toClient)].toSorted((a, b) => a - b)
  must(ids.length === sent.length && ids.every((id, i) => id === i), () => `answered were ${ids.join()}`)
  const random = Random.of(choices)
  const again = converse(all, (bytes) => cut(bytes, random), isStrict)
  must(again.toServer.equals(whole.toServer), () => 'the target hears something else where bytes are cut')
  must(again.toClient.equals(whole.toClient), () => 'the client hears something else where bytes are cut')
  const noted = [whole, again].map(({ world }) => JSON.stringify([world.passages, world.outcomes]))
  must(noted[0] === noted[1], () => `noted ${noted[0]}, and where bytes are cut ${noted[1]}`)
  return sent.length
}

/** One that has a file open to read and write, as `h`. */
function opened(): World {
  const world = World.open()
  world.client(request(0, { is: 'open', path, flags: openFlag.read | openFlag.write, attributes: {} }))
  world.answer({ is: 'name', names: [path] })
  world.server(response(0, { is: 'handle', handle: 'h' }))
  return world
}

function clientBytes(bytes: Buffer): number {
  const heard = [true, false].map((isCut) => {
    const world = opened()
    const pieces = isCut ? cut(bytes, Random.of(bytes)) : [bytes]
    const passed: Buffer[] = []
    const ending = blamed('client/', () => {
      for (const piece of pieces) passed.push(world.client(piece))
    })
    passed.push(world.toServer())
    const all = Buffer.concat(passed)
    world.conversation.end()
    return `${ending} ${ending === '' ? all.toString('hex') : ''}`
  })
  must(heard[0] === heard[1], () => `passed ${heard[0]} where bytes are cut, and ${heard[1]}`)
  return 1
}

function targetBytes(bytes: Buffer): number {
  const world = opened()
  for (let id = 1; id < 6; id++) world.client(read(id, 'h', id * 10, 10))
  world.client(request(6, { is: 'stat', path }))
  world.client(request(7, { is: 'limits' }))
  const toClient: Buffer[] = []
  const ending = blamed('target/', () => {
    for (const piece of cut(bytes, Random.of(bytes))) toClient.push(world.server(piece))
  })
  if (ending === '') {
    const answered = packetsOf(Buffer.concat(toClient)).length
    must(answered <= 8, () => `${answered} answers to 7 requests`)
  }
  world.conversation.end()
  return 1
}

/** @returns the fault, in words; empty where there was none */
function blamed(blame: 'client/' | 'target/', act: () => void): string {
  try {
    act()
    return ''
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    must(thrown.code.startsWith(blame), () => `${thrown.message} for what the other side sent`)
    return thrown.message
  }
}

import { openFlag } from '../codec/packets.ts'
import { ModelTarget } from './model-target.ts'
import { init, packetsOf, read, request, write } from './packets.ts'
import { World } from './world.ts'

/** Where a choice comes from: a whole number below `limit`. */
export type Choose = (limit: number) => number

/** A way into `/secret` by name, by link, by a link to a link; and places that may be touched. */
export function modelTarget(isStrict = false): ModelTarget {
  const nodes = {
    '/home': { kind: 'directory' },
    '/home/a': { kind: 'file', content: Buffer.from('content of a') },
    '/home/d': { kind: 'directory' },
    '/home/d/b': { kind: 'file', content: Buffer.alloc(100, 'b') },
    '/home/way': { kind: 'link', to: '../secret' },
    '/home/d/round': { kind: 'link', to: '../way/key' },
    '/home/nowhere': { kind: 'link', to: '/secret/new' },
    '/home/up': { kind: 'link', to: 'd' },
    '/secret': { kind: 'directory' },
    '/secret/key': { kind: 'file', content: Buffer.from('the key') },
  } as const
  return new ModelTarget(nodes, isStrict)
}

const paths = [
  'a',
  'd',
  'd/b',
  'd/../a',
  './/d/./b',
  'new',
  'd/new',
  'up/b',
  'up/new',
  'up/../a',
  'way',
  'way/',
  'way/key',
  'way/../secret/key',
  'way/..',
  'd/round',
  'd/round/',
  'nowhere',
  'up/round',
  '/secret/key',
  '/secret',
  '../secret/new',
  '/home/../secret/.',
  'made',
  'made/key',
  'made/../key',
  '/',
  '',
]
const handles = ['h0', 'h1', 'h2', 'h3', 'unknown']
const flags = [
  openFlag.read,
  openFlag.write | openFlag.create | openFlag.truncate,
  openFlag.read | openFlag.write,
  0,
]

/** A request of a client that tries all it can. */
export function someRequest(id: number, choose: Choose): Buffer {
  const pick = <T>(from: readonly T[]): T => from[choose(from.length)]!
  const path = (): Buffer => Buffer.from(pick(paths))
  switch (choose(14)) {
    case 0:
    case 1:
      return request(id, { is: 'open', path: path(), flags: pick(flags), attributes: {} })
    case 2:
      return read(id, pick(handles), choose(50), choose(60))
    case 3:
      return write(id, pick(handles), choose(50), Buffer.alloc(choose(60), 'w'))
    case 4:
      return request(id, { is: pick(['close', 'readdir', 'fstat'] as const), handle: pick(handles) })
    case 5:
      return request(id, { is: pick(['stat', 'lstat', 'readlink', 'realpath'] as const), path: path() })
    case 6:
      return request(id, { is: 'opendir', path: path() })
    case 7:
      return request(id, { is: pick(['remove', 'rmdir'] as const), path: path() })
    case 8:
      return request(id, { is: 'mkdir', path: path(), attributes: {} })
    case 9:
    case 10:
      return request(id, { is: 'symlink', first: path(), second: path() })
    case 11:
    case 12:
      return request(id, { is: 'rename', from: path(), to: path() })
    default:
      return request(id, { is: 'setstat', path: path(), attributes: { permissions: 0o600 } })
  }
}

export interface Said {
  readonly world: World
  readonly target: ModelTarget
  readonly toClient: Buffer
  readonly toServer: Buffer
}

/**
 * Has a client say all of it, and a target answer, each cut as told.
 * @param cut pieces of some bytes
 */
export function converse(sent: Buffer, cut: (bytes: Buffer) => readonly Buffer[], isStrict = false): Said {
  const world = new World()
  const target = modelTarget(isStrict)
  world.refused = '/secret'
  const toServer: Buffer[] = []
  const toClient: Buffer[] = []
  const heard = (bytes: Buffer): void => void toServer.push(bytes)
  for (const piece of cut(Buffer.concat([init, sent]))) heard(world.client(piece))
  let from = 0
  for (;;) {
    const all = Buffer.concat(toServer)
    const whole = wholePackets(all.subarray(from))
    if (whole.length === 0) break
    from += whole.length
    for (const piece of cut(target.answer(whole))) toClient.push(world.server(piece))
    heard(world.toServer())
  }
  toClient.push(world.toClient())
  world.conversation.end()
  return { world, target, toClient: Buffer.concat(toClient), toServer: Buffer.concat(toServer) }
}

function wholePackets(bytes: Buffer): Buffer {
  let end = 0
  while (end + 4 <= bytes.length && end + 4 + bytes.readUInt32BE(end) <= bytes.length) {
    end += 4 + bytes.readUInt32BE(end)
  }
  return bytes.subarray(0, end)
}

/** Ids of the requests that were answered, in their order. */
export function answeredIds(toClient: Buffer): readonly number[] {
  // The first is VERSION.
  return packetsOf(toClient)
    .slice(1)
    .map(({ id }) => id)
}

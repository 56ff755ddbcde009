import { describe, expect, test } from 'vitest'
import { openFlag, status, type } from './codec/packets.ts'
import { mostHandles } from './handles.ts'
import { mostOwed } from './ledger.ts'
import {
  data,
  init,
  packet,
  packetsOf,
  read,
  request,
  response,
  status as statusOf,
  string,
  uint32,
  versionReply,
  write,
} from './testing/packets.ts'
import { failed, named, open, opened, path } from './testing/requests.ts'
import { World } from './testing/world.ts'

const missing = failed(2)

function codeOf(answer: Buffer): number {
  const [only] = packetsOf(answer)
  expect(only?.kind).toBe(type.status)
  return only!.bytes.readUInt32BE(9)
}

describe('the greeting', () => {
  test('version 3 is spoken with both sides, and offers what is judged alone', () => {
    const world = new World()
    expect(world.client(packet(type.init, uint32(6), string('newline'), string('\n')))).toEqual(init)
    const heard = world.server(versionReply(['vendor', '1'], ['fsync@openssh.com', '1']))
    expect(heard).toEqual(versionReply(['fsync@openssh.com', '1']))
  })

  test('requests wait until it is known where relative paths begin', () => {
    const world = new World()
    world.client(Buffer.concat([init, request(1, { is: 'realpath', path: path('x') })]))
    world.server(versionReply())
    expect(world.asked).toEqual([])
    const passed = world.answer(named('/home/a'))
    expect(world.judged(0)).toEqual({ 'home/a/x': ['list'] })
    expect(passed).toEqual(request(1, { is: 'realpath', path: path('x') }))
  })

  test('a client of version 2 is refused, and so are a target of another, a second INIT and a request before it', () => {
    expect(() => new World().client(packet(type.init, uint32(2)))).toThrow('SFTP version 2')
    const world = new World()
    world.client(init)
    expect(() => world.server(packet(type.version, uint32(6)))).toThrow('SFTP version 6')
    expect(() => World.open().client(init)).toThrow('a second INIT')
    expect(() => new World().client(open(1, '/x'))).toThrow('before INIT')
  })
})

describe('what is asked', () => {
  test('an opening is judged by the path as asked and by what the target says that it is', () => {
    const world = World.open()
    world.refused = '/etc'
    world.client(open(7, '../a/./innocent'))
    const heard = world.server(response(0xffff_ffff, named('/etc/shadow')))
    expect(codeOf(heard)).toBe(status.permissionDenied)
    expect(heard.toString()).toContain('sallyport: not this file. Take another.')
    expect(world.said).toEqual(['sallyport: not this file. Take another.'])
    expect(world.toServer()).toHaveLength(0)
    expect(world.judged(0)).toEqual({ 'etc/shadow': ['download'] })
    expect(world.asked[0]?.text).toBe('open "../a/./innocent", which is "/etc/shadow", to read')
    expect(world.asked[0]?.facts[0]?.context['paths']).toEqual(['/etc/shadow', '/home/a/innocent'])
    expect(world.asked[0]?.binding()).toEqual(['sftp', '/etc/shadow'])
  })

  test('a permitted one passes as it was, byte by byte', () => {
    const world = World.open()
    const bytes = request(7, {
      is: 'open',
      path: Buffer.from('/a/\xff\xfe', 'latin1'),
      flags: openFlag.write | openFlag.create,
      attributes: { permissions: 0o640 },
    })
    world.client(bytes)
    const passed = world.answer(named('/a/b'))
    expect(passed).toEqual(bytes)
    expect(world.asked[0]?.text).toBe(`open "/a/⟨FF⟩⟨FE⟩", which is "/a/b", to write, create, mode 0640`)
  })

  test('opening for neither reading nor writing reads, and creating or cutting changes', () => {
    const actionsOf = (flags: number): readonly string[] => {
      const world = World.open()
      world.client(open(1, '/x', flags))
      world.answer(named('/x'))
      return world.judged(0)['x']!
    }
    expect(actionsOf(0)).toEqual(['download'])
    expect(actionsOf(openFlag.truncate)).toEqual(['download', 'upload'])
    expect(actionsOf(openFlag.read | openFlag.create)).toEqual(['download', 'upload'])
    expect(actionsOf(openFlag.append)).toEqual(['upload'])
    expect(actionsOf(openFlag.write)).toEqual(['upload'])
  })

  test('a last name that the target does not find is one in its directory', () => {
    const world = World.open()
    world.client(open(1, 'link/new', openFlag.write | openFlag.create))
    const passed = world.answer(missing, named('/data'), failed(2))
    expect(passed).toEqual(open(1, 'link/new', openFlag.write | openFlag.create))
    expect(world.judged(0)).toEqual({ 'data/new': ['upload'] })
  })

  test('a link that leads nowhere is not opened', () => {
    const world = World.open()
    world.client(open(1, '/a/link', openFlag.write | openFlag.create))
    expect(world.answer(missing, named('/a'), named('../etc/cron.d/x'))).toHaveLength(0)
    expect(world.outcomes).toMatchObject([{ outcome: { errorCode: 'SSH_FX_PERMISSION_DENIED' } }])
  })

  test('where the target does not find the directory, its own answer is the answer', () => {
    const world = World.open()
    world.client(open(1, '/no/such'))
    world.answer(missing)
    const heard = world.server(response(0xffff_ffff, missing))
    expect(codeOf(heard)).toBe(2)
    expect(world.outcomes).toMatchObject([
      { outcome: { status: 'failed', errorCode: 'SSH_FX_NO_SUCH_FILE' } },
    ])
  })

  test('what acts on a link itself is judged by the directory that has it', () => {
    const world = World.open()
    world.client(request(1, { is: 'remove', path: path('/l/x') }))
    const passed = world.answer(named('/etc'))
    expect(passed).toEqual(request(1, { is: 'remove', path: path('/l/x') }))
    expect(world.judged(0)).toEqual({ 'etc/x': ['remove'] })
    world.server(statusOf(1, 0))
    world.client(request(2, { is: 'rename', from: path('/a/..'), to: path('/b') }))
    world.server(response(0xffff_ffff, named('/')))
    world.server(response(0xffff_fffe, named('/')))
    expect(world.judged(1)).toEqual({ '': ['rename'], b: ['rename'] })
  })

  test('a symbolic link is judged by what it holds, which is relative to where it lies', () => {
    const world = World.open(['fsync@openssh.com', '1'])
    world.client(request(1, { is: 'symlink', first: path('../../etc/passwd'), second: path('/srv/up/l') }))
    world.server(response(0xffff_ffff, named('/srv/up')))
    world.server(response(0xffff_fffe, named('/etc/passwd')))
    expect(world.judged(0)).toEqual({ 'srv/up/l': ['link'], 'etc/passwd': ['link'] })
  })

  test('what a symbolic link holds is judged by where the link really lies, though nothing is there yet', () => {
    const world = World.open(['fsync@openssh.com', '1'])
    world.client(request(1, { is: 'symlink', first: path('../x'), second: path('/srv/way/l') }))
    world.server(response(0xffff_ffff, named('/etc/deep')))
    world.server(response(0xffff_fffe, missing))
    expect(world.judged(0)).toEqual({ 'etc/deep/l': ['link'], 'etc/x': ['link'] })
  })

  test('of a target that is not known for its order of arguments, both readings are judged', () => {
    const world = World.open()
    world.client(request(1, { is: 'symlink', first: path('/a/x'), second: path('y') }))
    for (let own = 0; own < 4; own++) world.server(response(0xffff_ffff - own, named(`/r${own}`)))
    expect(world.judged(0)).toEqual({ 'r0/y': ['link'], r1: ['link'], 'r2/x': ['link'], r3: ['link'] })
    expect(world.asked[0]?.facts.map(({ context }) => context['paths'])).toEqual([
      ['/home/a/y', '/r0/y', '/r1'],
      ['/a/x', '/r2/x', '/r3'],
    ])
  })

  test('setting a size changes content', () => {
    const world = World.open()
    world.client(request(1, { is: 'setstat', path: path('/x'), attributes: { size: 0n } }))
    world.answer(named('/x'))
    expect(world.asked[0]?.facts.flatMap(({ actions }) => actions)).toEqual(['set-attributes', 'upload'])
  })

  test('looks are asked about without a question to the target, unless they climb', () => {
    const world = World.open()
    const plain = request(1, { is: 'stat', path: path('/x') })
    expect(world.client(plain)).toEqual(plain)
    world.server(response(1, { is: 'attrs', attributes: {} }))
    const climbing = request(2, { is: 'stat', path: path('/x/../y') })
    expect(packetsOf(world.client(climbing))).toMatchObject([{ kind: type.realpath }])
    expect(world.answer(named('/other/y'))).toEqual(climbing)
  })

  test.each([
    ['with a NUL', Buffer.from('/a\0/b'), 'unparsed'],
    ['of more than 4096 bytes', Buffer.alloc(4097, 'x'), 'too-complex'],
  ])('a path %s is refused, and policy is not asked', (_what, bytes, code) => {
    const world = World.open()
    expect(world.client(request(1, { is: 'remove', path: bytes }))).toHaveLength(0)
    expect(codeOf(world.toClient())).toBe(status.permissionDenied)
    expect(world.refusedUnasked).toMatchObject([{ code }])
    expect(world.refusedUnasked[0]!.text.length).toBeLessThan(600)
    expect(world.asked).toEqual([])
  })

  test('relative paths are refused where the target does not say where they begin', () => {
    const world = new World()
    world.client(init)
    world.server(versionReply())
    world.answer(failed(4))
    world.client(request(1, { is: 'stat', path: path('x') }))
    expect(codeOf(world.toClient())).toBe(status.permissionDenied)
    expect(world.client(request(2, { is: 'stat', path: path('/x') }))).not.toHaveLength(0)
  })

  test('unknown requests, extensions and flags never reach the target', () => {
    const world = World.open()
    for (const unknown of [packet(21, uint32(1)), packet(type.extended, uint32(1), string('check-file'))]) {
      expect(world.client(unknown)).toHaveLength(0)
      expect(codeOf(world.toClient())).toBe(status.unsupported)
    }
    expect(world.client(open(1, '/x', 64))).toHaveLength(0)
    expect(codeOf(world.toClient())).toBe(status.permissionDenied)
  })
})

describe('the order of things', () => {
  test('what follows a held request waits, and goes on in order', () => {
    const world = World.open()
    world.isHolding = true
    const [first, second] = [1, 2].map((id) => request(id, { is: 'stat', path: path(`/${id}`) }))
    expect(world.client(Buffer.concat([first!, second!]))).toHaveLength(0)
    expect(world.conversation.isWaiting).toBe(true)
    world.isHolding = false
    world.settle(world.decide(world.conversation.asked!))
    expect(world.toServer()).toEqual(Buffer.concat([first!, second!]))
    expect(world.conversation.isWaiting).toBe(false)
  })

  test('a client that sends on behind a held request is no longer read', () => {
    const world = World.open()
    world.isHolding = true
    world.client(request(1, { is: 'stat', path: path('/1') }))
    world.client(Buffer.alloc(300 * 1024))
    expect(world.conversation.takesClient).toBe(false)
  })

  test(`no more than ${mostOwed} requests are owed an answer`, () => {
    const world = World.open()
    opened(world, 'h', '/x', openFlag.read)
    const all = Array.from({ length: mostOwed + 10 }, (_, id) => read(id, 'h', 0, 1))
    expect(packetsOf(world.client(Buffer.concat(all)))).toHaveLength(mostOwed)
    for (let id = 0; id < mostOwed / 2; id++) world.server(statusOf(id, status.eof))
    expect(packetsOf(world.toServer())).toHaveLength(10)
  })

  test(`no more than ${mostHandles} handles are open`, () => {
    const world = World.open()
    for (let i = 0; i < mostHandles; i++) opened(world, `h${i}`, '/x', openFlag.read)
    expect(world.client(open(1, '/x'))).toHaveLength(0)
    const refused = world.toClient()
    expect(codeOf(refused)).toBe(status.failure)
    expect(refused.toString()).toContain('1024 handles are open')
    world.client(request(1, { is: 'close', handle: 'h0' }))
    world.server(statusOf(1, 0))
    expect(world.client(open(1, '/x'))).not.toHaveLength(0)
  })
})

describe('handles', () => {
  test('one that the target did not give, or that was closed, is open for nothing', () => {
    const world = World.open()
    const tries = [
      read(9, 'h', 0, 10),
      write(9, 'h', 0, Buffer.from('x')),
      request(9, { is: 'readdir', handle: 'h' }),
      request(9, { is: 'fstat', handle: 'h' }),
      request(9, { is: 'close', handle: 'h' }),
    ]
    const allRefused = (): void => {
      for (const bytes of tries) {
        expect(world.client(bytes)).toHaveLength(0)
        expect(codeOf(world.toClient())).toBe(status.failure)
      }
    }
    allRefused()
    opened(world, 'h', '/x', openFlag.read)
    world.client(request(2, { is: 'close', handle: 'h' }))
    allRefused()
  })

  test('one that was opened for reading is not written, nor the other way round', () => {
    const world = World.open()
    opened(world, 'r', '/x', openFlag.read)
    opened(world, 'w', '/x', openFlag.write)
    expect(world.client(write(2, 'r', 0, Buffer.from('x')))).toHaveLength(0)
    expect(world.client(read(3, 'w', 0, 10))).toHaveLength(0)
  })

  test('what is asked of one is judged by the path that it was opened by', () => {
    const world = World.open()
    opened(world, 'h', '/x', openFlag.write)
    world.client(request(2, { is: 'fsetstat', handle: 'h', attributes: { permissions: 0o777 } }))
    expect(world.judged(1)).toEqual({ x: ['set-attributes'] })
  })

  test('once policy no longer permits the file, nothing more of it passes', () => {
    const world = World.open()
    opened(world, 'h', '/x', openFlag.read)
    world.isStanding = false
    expect(world.client(read(2, 'h', 0, 10))).toHaveLength(0)
    expect(codeOf(world.toClient())).toBe(status.permissionDenied)
  })
})

describe('a target that lies', () => {
  const world = (): World => {
    const it = World.open()
    opened(it, 'h', '/x', openFlag.read)
    it.client(read(5, 'h', 0, 10))
    return it
  }
  test.each([
    ['answers what was not asked', statusOf(6, 0)],
    ['sends more than was asked for', data(5, Buffer.alloc(11))],
    ['sends a handle for a read', response(5, { is: 'handle', handle: 'x' })],
    ['says that a read is done', statusOf(5, 0)],
    ['sends a packet that is no answer', packet(type.open, uint32(5))],
    ['sends a packet of more than 256 KiB', uint32(256 * 1024 + 1)],
  ])('ends the channel where it %s', (_what, bytes) => {
    expect(() => world().server(Buffer.concat([bytes, Buffer.alloc(9)]))).toThrow('target/malformed')
  })

  test('gives no handle twice', () => {
    const it = world()
    it.client(open(6, '/y'))
    it.answer(named('/y'))
    expect(() => it.server(response(6, { is: 'handle', handle: 'h' }))).toThrow('the same handle twice')
  })
})

test('a client that uses an id twice, or sends too much, or too little, ends the channel', () => {
  const world = World.open()
  opened(world, 'h', '/x', openFlag.read)
  world.client(read(5, 'h', 0, 10))
  expect(() => world.client(read(5, 'h', 0, 10))).toThrow('client/malformed')
  expect(() => World.open().client(Buffer.concat([uint32(256 * 1024 + 1), init]))).toThrow('client/too-large')
  expect(() => World.open().client(Buffer.concat([uint32(4), init]))).toThrow('client/malformed')
  expect(() => World.open().client(packet(type.write, uint32(1), string('h'), Buffer.alloc(11)))).toThrow(
    'too early',
  )
})

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openFlag, status } from './codec/packets.ts'
import { data, read, request, response, status as statusOf, write } from './testing/packets.ts'
import { named, opened, path } from './testing/requests.ts'
import { World } from './testing/world.ts'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

describe('transfers', () => {
  test('what was read in order from its start to its end is whole, with its hash', () => {
    const world = World.open()
    const content = Buffer.from('some content of a file')
    opened(world, 'h', '/x', openFlag.read)
    world.client(Buffer.concat([read(2, 'h', 0, 10), read(3, 'h', 10, 100), read(4, 'h', 110, 100)]))
    // Answers in another order, and a short one, whose rest is asked for again.
    world.server(
      Buffer.concat([
        statusOf(4, status.eof),
        data(3, content.subarray(10, 15)),
        data(2, content.subarray(0, 10)),
      ]),
    )
    world.client(read(5, 'h', 15, 95))
    world.server(data(5, content.subarray(15)))
    world.client(Buffer.concat([read(6, 'h', content.length, 10), request(7, { is: 'close', handle: 'h' })]))
    world.server(statusOf(7, status.ok))
    expect(world.passages).toEqual([])
    world.server(statusOf(6, status.eof))
    expect(world.passages).toMatchObject([
      {
        kind: 'transfer',
        direction: 'download',
        path: '/x',
        sizeBytes: 22,
        isWhole: true,
        sha256: sha256(content),
      },
    ])
    expect(world.outcomes).toMatchObject([{ outcome: { status: 'done', sizeBytes: 22 } }])
  })

  test('what was written in order is whole, with its hash; and an empty file is one too', () => {
    const world = World.open()
    opened(world, 'h', '/x', openFlag.write | openFlag.create | openFlag.truncate)
    opened(world, 'e', '/empty', openFlag.write | openFlag.create | openFlag.exclusive)
    world.client(
      Buffer.concat([write(2, 'h', 4, Buffer.from('5678')), write(3, 'h', 0, Buffer.from('1234'))]),
    )
    world.client(
      Buffer.concat([request(4, { is: 'close', handle: 'h' }), request(5, { is: 'close', handle: 'e' })]),
    )
    for (const id of [2, 3, 4, 5]) world.server(statusOf(id, status.ok))
    expect(world.passages).toMatchObject([
      {
        direction: 'upload',
        path: '/x',
        sizeBytes: 8,
        isWhole: true,
        sha256: sha256(Buffer.from('12345678')),
      },
      { direction: 'upload', path: '/empty', sizeBytes: 0, isWhole: true, sha256: sha256(Buffer.alloc(0)) },
    ])
  })

  test.each([
    ['a write failed', [write(2, 'h', 0, Buffer.from('12'))], [statusOf(2, 4), statusOf(9, 0)]],
    [
      'it did not begin at its start',
      [write(2, 'h', 2, Buffer.from('12'))],
      [statusOf(2, 0), statusOf(9, 0)],
    ],
    ['closing failed', [write(2, 'h', 0, Buffer.from('12'))], [statusOf(2, 0), statusOf(9, 4)]],
  ])('it is not whole where %s', (_what, sent, answers) => {
    const world = World.open()
    opened(world, 'h', '/x', openFlag.write | openFlag.truncate)
    for (const bytes of [...sent, request(9, { is: 'close', handle: 'h' })]) world.client(bytes)
    for (const bytes of answers) world.server(bytes)
    expect(world.passages).toMatchObject([{ sizeBytes: 2, isWhole: false }])
  })

  test('what was written over a file is whole where the file was cut to it, and not where it may have been longer', () => {
    const wholeWith = (size: bigint | undefined): boolean => {
      const world = World.open()
      opened(world, 'h', '/x', openFlag.write)
      world.client(write(2, 'h', 0, Buffer.from('12')))
      world.server(statusOf(2, 0))
      if (size !== undefined) {
        world.client(request(3, { is: 'fsetstat', handle: 'h', attributes: { size } }))
        world.server(statusOf(3, 0))
      }
      world.client(request(9, { is: 'close', handle: 'h' }))
      world.server(statusOf(9, 0))
      const [note] = world.passages
      return note?.kind === 'transfer' && note.isWhole
    }
    expect([undefined, 1n, 2n, 3n].map(wholeWith)).toEqual([false, false, true, false])
  })

  test('what was written twice, or appended, has no hash', () => {
    for (const flags of [openFlag.write, openFlag.write | openFlag.append]) {
      const world = World.open()
      opened(world, 'h', '/x', flags)
      const twice = flags === openFlag.write ? 2 : 1
      for (let id = 2; id < 2 + twice; id++) {
        world.client(write(id, 'h', 0, Buffer.from('12')))
        world.server(statusOf(id, 0))
      }
      world.client(request(9, { is: 'close', handle: 'h' }))
      world.server(statusOf(9, 0))
      expect(world.passages[0]).toMatchObject({ sizeBytes: 2 * twice, isWhole: false })
      expect(world.passages[0]).not.toHaveProperty('sha256')
    }
  })

  test('at the end of the channel what was under way is lost, and not whole', () => {
    const world = World.open()
    opened(world, 'h', '/x', openFlag.read)
    world.client(read(2, 'h', 0, 10))
    world.server(data(2, Buffer.from('12')).subarray(0, -1))
    world.client(request(3, { is: 'stat', path: path('/y') }))
    world.conversation.end()
    expect(world.passages).toMatchObject([{ direction: 'download', sizeBytes: 1, isWhole: false }])
    expect(world.outcomes.map(({ outcome }) => outcome.status)).toEqual(['lost', 'lost'])
  })

  test('a listing counts its entries', () => {
    const world = World.open()
    world.client(request(1, { is: 'opendir', path: path('/d') }))
    world.answer(named('/d'))
    world.server(response(1, { is: 'handle', handle: 'd' }))
    world.client(request(2, { is: 'readdir', handle: 'd' }))
    world.server(response(2, named('.', '..', 'a')))
    world.client(request(3, { is: 'readdir', handle: 'd' }))
    world.server(statusOf(3, status.eof))
    world.client(request(4, { is: 'close', handle: 'd' }))
    world.server(statusOf(4, 0))
    expect(world.outcomes).toMatchObject([{ outcome: { status: 'done', rows: 3 } }])
    expect(world.passages).toEqual([])
  })
})

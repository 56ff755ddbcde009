import { Fault } from '@sallyport/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packet, packetsOf, request, response, string, uint32, versionReply } from '../testing/packets.ts'
import type { Attributes } from './fields.ts'
import { judgedExtensions, type } from './packets.ts'
import { decodeRequest, type Request } from './requests.ts'
import { clampLimits, decodeResponse, decodeVersion, encodeStatus, encodeVersion } from './responses.ts'
import { Fields } from './fields.ts'

const bytes = fc.uint8Array({ maxLength: 40 }).map((it) => Buffer.from(it))
const handle = bytes.map((it) => it.toString('latin1'))
const uint = fc.nat({ max: 0xffff_ffff })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const attributes: fc.Arbitrary<Attributes> = fc.record(
  {
    size: uint64,
    owner: fc.record({ uid: uint, gid: uint }),
    permissions: uint,
    times: fc.record({ accessed: uint, modified: uint }),
    extended: fc.array(fc.tuple(bytes, bytes), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)
const is = <T extends string>(...words: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...words)
const requests: fc.Arbitrary<Exclude<Request, { is: 'unknown' }>> = fc.oneof(
  fc.record({ is: is('open'), path: bytes, flags: uint, attributes }),
  fc.record({ is: is('close', 'fstat', 'readdir', 'fstatvfs', 'fsync'), handle }),
  fc.record({
    is: is('lstat', 'stat', 'opendir', 'remove', 'rmdir', 'realpath', 'readlink', 'statvfs', 'expand-path'),
    path: bytes,
  }),
  fc.record({ is: is('setstat', 'lsetstat', 'mkdir'), path: bytes, attributes }),
  fc.record({ is: is('fsetstat'), handle, attributes }),
  fc.record({ is: is('rename', 'posix-rename', 'hardlink'), from: bytes, to: bytes }),
  fc.record({ is: is('symlink'), first: bytes, second: bytes }),
  fc.record({
    is: is('copy-data'),
    from: handle,
    fromOffset: uint64,
    length: uint64,
    to: handle,
    toOffset: uint64,
  }),
  fc.record({ is: is('home-directory'), user: bytes }),
  fc.record({ is: is('users-groups-by-id'), uids: bytes, gids: bytes }),
  fc.record({ is: is('limits') }),
)
const responses = fc.oneof(
  fc.record({ is: is('status'), code: uint }),
  fc.record({ is: is('handle'), handle }),
  fc.record({ is: is('attrs'), attributes }),
  fc.record({ is: is('name'), names: fc.array(bytes, { maxLength: 4 }) }),
)

test('every request is read as it was written', () => {
  fc.assert(
    fc.property(requests, uint, (asked, id) => {
      const written = request(id, asked)
      expect(decodeRequest(written, 0, written.length)).toEqual(asked)
    }),
  )
})

test('every answer is read as it was written', () => {
  fc.assert(
    fc.property(responses, uint, (answer, id) => {
      const written = response(id, answer)
      expect(decodeResponse(written, 0, written.length)).toEqual(answer)
    }),
  )
})

test('a request with a byte too many, or one that ends early, is refused', () => {
  fc.assert(
    fc.property(requests, fc.nat(), (asked, cut) => {
      const written = request(1, asked)
      const longer = Buffer.concat([written, Buffer.of(0)])
      expect(() => decodeRequest(longer, 0, longer.length)).toThrow(Fault)
      const shorter = 9 + (cut % Math.max(1, written.length - 9))
      // What is left of an extension may be the name of none.
      if (shorter === written.length || written[4] === type.extended) return
      expect(() => decodeRequest(written, 0, shorter)).toThrow(Fault)
    }),
  )
})

test('a type that the draft does not have is unknown, and so is an extension', () => {
  for (const kind of [0, 19 + 2, 99, 199, 201, 255]) {
    const written = packet(kind, uint32(1))
    expect(decodeRequest(written, 0, written.length)).toEqual({ is: 'unknown', name: `type ${kind}` })
  }
  const written = packet(type.extended, uint32(1), string('vendor-id'), Buffer.from('anything'))
  expect(decodeRequest(written, 0, written.length)).toMatchObject({ is: 'unknown' })
})

test('VERSION keeps the extensions that are judged, in the version that is', () => {
  const offered = [
    ['posix-rename@openssh.com', '1'],
    ['statvfs@openssh.com', '1'],
    ['fstatvfs@openssh.com', '2'],
    ['check-file', '1'],
    ['copy-data', '1'],
  ] as const
  const { extensions } = decodeVersion(versionReply(...offered), 0, versionReply(...offered).length)
  const kept = [offered[0], offered[2], offered[4]] as const
  expect(encodeVersion(extensions)).toEqual(versionReply(...kept))
  expect(Object.keys(judgedExtensions)).toHaveLength(11)
})

test('a status of ours is what clients read', () => {
  const written = encodeStatus(0xffff_fffe, 3, 'sallyport: nö')
  expect(packetsOf(written)).toMatchObject([{ kind: type.status, id: 0xffff_fffe }])
  expect(decodeResponse(written, 0, written.length)).toEqual({ is: 'status', code: 3 })
})

test('limits are the lesser of both', () => {
  const theirs = [0n, 1000n, 2n ** 60n, 5000n].map((value) => {
    const field = Buffer.alloc(8)
    field.writeBigUInt64BE(value)
    return field
  })
  const written = Buffer.concat(theirs)
  const limits = clampLimits(7, new Fields(written, 0, written.length, 'target/malformed'), 1024)
  const values = [0, 1, 2, 3].map((i) => Number(limits.readBigUInt64BE(9 + 8 * i)))
  expect(values).toEqual([262_144, 1000, 261_120, 1024])
})

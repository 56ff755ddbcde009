import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeErrorFields } from './codec/backend.ts'
import { decodeBind, decodeParse, encodeBind, encodeParse } from './codec/frontend.ts'
import { SideConnection } from './side-connection.ts'

const row = (...values: (string | null)[]): Buffer => {
  const parts = values.map((value) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(value === null ? -1 : Buffer.byteLength(value))
    return Buffer.concat([length, Buffer.from(value ?? '')])
  })
  const body = Buffer.concat(parts)
  const head = Buffer.from('D\0\0\0\0\0\0', 'latin1')
  head.writeInt32BE(6 + body.length, 1)
  head.writeInt16BE(values.length, 5)
  return Buffer.concat([head, body])
}
const complete = Buffer.from('C\0\0\0\x0dSELECT 3\0', 'latin1')
const ready = Buffer.from('Z\0\0\0\x05I', 'latin1')

/** A target that answers each question with `bytes`, in pieces of `size`. */
function answering(bytes: Buffer, size: number): SideConnection {
  const stream = new Duplex({
    read() {},
    write(_question, _encoding, done) {
      for (let at = 0; at < bytes.length; at += size) this.push(bytes.subarray(at, at + size))
      done()
    },
  })
  return new SideConnection(stream, new AbortController().signal)
}

describe('the rows of an answer', () => {
  const rows = [
    ['pg_class', null],
    ['', 'größer'],
    ['x'.repeat(100_000), 'y'],
  ]
  const bytes = Buffer.concat([...rows.map((values) => row(...values)), complete, ready])

  it.each([1, 2, 5, 7, 64, 4096, bytes.length])('are the same in pieces of %i bytes', async (size) => {
    const side = answering(bytes, size)
    expect(await side.query('select')).toEqual(rows)
    expect(await side.query('select')).toEqual(rows)
  })

  it('are a fault where the target refuses, and the next question is answered', async () => {
    const refused = Buffer.concat([encodeErrorFields('error', new Map([['M', 'no']])), ready])
    const side = answering(refused, 3)
    await expect(side.query('select')).rejects.toThrow(/refused the gateway's question/)
    await expect(side.query('select')).rejects.toThrow(/refused the gateway's question/)
  })
})

describe('a statement with what a client bound to it', () => {
  it('reaches the target as the client sent it', () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    )
    const typeId = fc.nat({ max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(fc.array(value), fc.array(typeId), (parameters, typeIds) => {
        const bind = encodeBind(parameters)
        expect(decodeBind(bind, 0, bind.length).parameters).toEqual(parameters)
        const parse = encodeParse('select $1', typeIds)
        expect(decodeParse(parse, 0, parse.length)).toMatchObject({ name: '', typeIds })
      }),
    )
    const many = encodeBind(Array.from({ length: 65_535 }, () => 'x'))
    expect(decodeBind(many, 0, many.length).parameters).toHaveLength(65_535)
  })
})

import { createHash } from 'node:crypto'
import type { OperationId } from '@sallyport/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Content } from './content.ts'

const id = 1 as OperationId
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

function pass(content: Content, file: Buffer, from: number, to: number, cut = to): void {
  content.begin(from, to - from)
  content.data(file, from, Math.min(cut, to))
  if (cut < to) content.data(file, cut, to)
  content.pieceOver()
}

test('pieces in any order within the window give the hash of the file', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.array(fc.nat({ max: 200 }), { maxLength: 10 }),
      fc.infiniteStream(fc.nat()),
      (bytes, marks, choices) => {
        const file = Buffer.from(bytes)
        const edges = [...new Set([0, ...marks.filter((it) => it < file.length), file.length])].toSorted(
          (a, b) => a - b,
        )
        const pieces = edges.slice(0, -1).map((from, i) => ({ from, to: edges[i + 1]! }))
        const content = new Content('download')
        while (pieces.length > 0) {
          const [piece] = pieces.splice(choices.next().value! % pieces.length, 1)
          pass(content, file, piece!.from, piece!.to, (piece!.from + piece!.to) >> 1)
        }
        content.endsAt(file.length)
        expect(content.passage(id, '/x', true)).toMatchObject({
          sizeBytes: file.length,
          sha256: sha256(file),
          isWhole: true,
        })
      },
    ),
  )
})

test('beyond 1 MiB ahead, or 256 pieces, there is no hash, and nothing more is kept', () => {
  const file = Buffer.alloc(2 * 1024 * 1024)
  const far = new Content('download')
  for (let at = 32_768; at < file.length; at += 32_768) pass(far, file, at, at + 32_768)
  pass(far, file, 0, 32_768)
  far.endsAt(file.length)
  expect(far.passage(id, '/x', true)).not.toHaveProperty('sha256')
  expect(far.passage(id, '/x', true)).toMatchObject({ isWhole: false, sizeBytes: file.length })
  const many = new Content('download')
  for (let at = 1; at < 300; at++) pass(many, file, at, at + 1)
  pass(many, file, 0, 1)
  expect(many.passage(id, '/x', true)).not.toHaveProperty('sha256')
})

test('a gap at the end is not whole, and has no hash', () => {
  const content = new Content('download')
  pass(content, Buffer.from('abcd'), 0, 1)
  pass(content, Buffer.from('abcd'), 2, 4)
  content.endsAt(4)
  expect(content.passage(id, '/x', true)).toEqual({
    kind: 'transfer',
    id,
    direction: 'download',
    path: '/x',
    sizeBytes: 3,
    isWhole: false,
  })
})

import { expect, test } from 'vitest'
import { copyData, cstring, message } from '../../world/raw-messages.ts'
import { RowCounter } from './row-counter.ts'

const bytes = Buffer.concat([
  message('T', Buffer.alloc(30)),
  message('D', Buffer.alloc(100)),
  message('D', Buffer.alloc(7)),
  copyData('abc'),
  message('C', cstring('SELECT 2')),
  message('Z', Buffer.from('I')),
])

test('rows are counted alike however the bytes are cut', () => {
  for (let size = 1; size <= bytes.length; size++) {
    const counter = new RowCounter()
    for (let at = 0; at < bytes.length; at += size) counter.take(bytes.subarray(at, at + size))
    expect(counter).toMatchObject({ rows: 3, bytes: 110, ready: 1 })
  }
})

test("a server's error is one here", () => {
  const error = message('E', cstring('SERROR'), cstring('Mno such table'), Buffer.of(0))
  expect(() => new RowCounter().take(error)).toThrow('no such table')
})

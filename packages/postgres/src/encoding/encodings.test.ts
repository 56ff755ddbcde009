import { describe, expect, test } from 'vitest'
import { clientEncoding, encodingName, encodingNamed, offered } from './encodings.ts'

const tables = offered.flatMap((name) => encodingNamed(name) ?? [])

test.each([
  ['utf-8', 'UTF8'],
  ["'UNICODE'", 'UTF8'],
  ['ISO_8859-15', 'LATIN9'],
  ['windows-1252', 'WIN1252'],
  ['koi8', 'KOI8R'],
  ['euc_jp', 'EUC_JP'],
  ['sql_ascii', 'SQL_ASCII'],
  ['sjis', undefined],
  ['', undefined],
])('an encoding is named as the server names it: %s', (given, name) => {
  expect(encodingName(given)).toBe(name)
})

describe.each(tables.map((encoding) => [encoding.name, encoding] as const))('in %s', (_, encoding) => {
  test('ASCII is ASCII, and no other byte is', () => {
    for (let byte = 0; byte < 0x80; byte++) {
      expect(encoding.decode(Buffer.from([byte]))).toBe(String.fromCharCode(byte))
      expect(encoding.encode(String.fromCharCode(byte))).toEqual(Buffer.from([byte]))
    }
  })

  test('a quote ends every text, whatever byte stands before it', () => {
    const leads = Array.from({ length: 0x80 }, (_, i) => [
      [0x80 + i],
      [0x80 + i, 0xa4],
      [0x8f, 0x80 + i],
    ]).flat()
    const read = leads.flatMap((lead) => encoding.decode(Buffer.from([...lead, 0x27])) ?? [])
    expect(read.filter((text) => !text.endsWith("'"))).toEqual([])
  })

  test('what it has not is written as a question mark', () => {
    expect(encoding.encode('\u{1f600}').toString()).toBe(encoding.name === 'UTF8' ? '\u{1f600}' : '?')
  })
})

test.each(['EUC_JP', 'EUC_KR', 'EUC_CN'])('half a character is no text in %s', (name) => {
  expect(encodingNamed(name)?.decode(Buffer.from([0x61, 0xb0]))).toBeUndefined()
  expect(encodingNamed(name)?.decode(Buffer.from([0xb0, 0x27]))).toBeUndefined()
})

test('a server converts to UTF8 and back, or not at all', () => {
  expect(clientEncoding('LATIN1', 'UTF8')?.name).toBe('LATIN1')
  expect(clientEncoding('LATIN1', 'LATIN1')?.name).toBe('LATIN1')
  expect(clientEncoding('UTF8', 'EUC_TW')?.name).toBe('UTF8')
  expect(clientEncoding('SQL_ASCII', 'KOI8R')?.name).toBe('KOI8R')
  expect(clientEncoding('SQL_ASCII', 'SQL_ASCII')?.name).toBe('UTF8')
  expect(clientEncoding('LATIN1', 'SQL_ASCII')).toBeUndefined()
  expect(clientEncoding('LATIN2', 'WIN1250')).toBeUndefined()
  expect(clientEncoding('SQL_ASCII', 'MULE_INTERNAL')).toBeUndefined()
  expect(clientEncoding('LATIN1', '')).toBeUndefined()
})

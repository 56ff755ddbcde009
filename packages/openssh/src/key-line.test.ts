import fc from 'fast-check'
import { expect, test } from 'vitest'
import { orMalformed } from '../test/or-malformed.ts'
import { keyLine, parseKeyLine, parseKeyText } from './key-line.ts'
import { generatePrivateKey } from './private-key.ts'

const key = generatePrivateKey().publicKey
const bare = keyLine(key.blob)

test('a key’s comment may have spaces', () => {
  expect(parseKeyLine(`${bare} alice of  sales`)).toMatchObject({
    type: 'ssh-ed25519',
    comment: 'alice of  sales',
  })
})

test.each([
  ['no-pty', 'no-pty'],
  ['command="ls -l \\"a b\\"",restrict', 'command="ls -l \\"a b\\"",restrict'],
  ['environment="ssh-ed25519 AAAA"', 'environment="ssh-ed25519 AAAA"'],
])('options before a key are handed over as they are written: %s', (text, options) => {
  expect(parseKeyLine(`${text} ${bare} c`)).toEqual({ options, type: key.type, blob: key.blob, comment: 'c' })
})

test('a key that is to be registered has no options', () => {
  expect(() => parseKeyText(`restrict ${bare}`)).toThrow('for authorized_keys')
})

test('one file registers one key', () => {
  expect(parseKeyText(`# mine\n\n${bare} c\n`)).toMatchObject({ comment: 'c' })
  expect(() => parseKeyText(`${bare}\n${bare}\n`)).toThrow('more than one')
  expect(() => parseKeyText('# nothing\n')).toThrow('no public key')
})

test('empty lines and remarks are no keys', () => {
  expect(parseKeyLine('')).toBeUndefined()
  expect(parseKeyLine('  # ssh-ed25519')).toBeUndefined()
})

test('a key of another type than its line says is refused', () => {
  expect(() => parseKeyLine(bare.replace('ssh-ed25519', 'ssh-rsa'))).toThrow('another type')
})

test('a key in base64 that is not the one way to write it is refused', () => {
  expect(() => parseKeyLine(`${bare}=`)).toThrow('not base64')
  expect(() => parseKeyLine(bare.replace('AAAA', 'AA*A'))).toThrow('not base64')
})

test('a private key is no public one', () => {
  expect(() => parseKeyText(generatePrivateKey().toOpenSsh().reveal())).toThrow('no public key')
})

test('a comment that a terminal would act on is refused', () => {
  expect(() => parseKeyLine(`${bare} \u001b[2J`)).toThrow('control characters')
  expect(() => keyLine(key.blob, 'a\nb')).toThrow('control characters')
})

test('a line that is longer than any key is refused', () => {
  expect(() => parseKeyLine(`${bare} ${'x'.repeat(60_000)}`)).toThrow('a line of more than')
})

test('any line is read or refused, and nothing else', () => {
  const piece = fc.oneof(fc.string(), fc.constantFrom(bare, 'ssh-ed25519', ' ', '"', '\\"', 'restrict,', '#'))
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const line = orMalformed(() => parseKeyLine(pieces.join('')))
      const again = line && parseKeyLine(keyLine(line.blob, line.comment))
      expect(again?.blob).toEqual(line?.blob)
    }),
  )
})

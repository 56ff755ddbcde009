import { expect, test } from 'vitest'
import { filePath, NamedPaths, objectPath, pathText, wordPath } from './paths.ts'

const shown = (bytes: string | Uint8Array, home?: string) => {
  const start = home === undefined ? undefined : filePath(Buffer.from(home))
  const path = filePath(Buffer.from(bytes), start)
  return path && pathText(path)
}

test.each([
  ['/etc/shadow', '/etc/shadow'],
  ['/etc//./ssl/../shadow/', '/etc/shadow'],
  ['/../../etc', '/etc'],
  ['/', '/'],
  ['', '~'],
  ['.', '~'],
  ['notes/../.ssh/id', '~/.ssh/id'],
  ['..', '?'],
  ['../bob/.ssh', '?/bob/.ssh'],
  ['~/x', '~/~/x'],
  ['/~', '/~'],
  ['\\etc', '~/\\etc'],
  ['/a\nb', '/a\nb'],
])('the path %j is %j', (bytes, text) => {
  expect(shown(bytes)).toBe(text)
})

test.each([
  ['x', '/home/alice/x'],
  ['../bob', '/home/bob'],
  ['../../../..', '/'],
  ['', '/home/alice'],
])('where home is known, %j is %j', (bytes, text) => {
  expect(shown(bytes, '/home/alice')).toBe(text)
})

test('bytes that are no UTF-8 are kept exactly, and are the name of no other file', () => {
  const path = filePath(Buffer.from('2f657463 2fff66 2f7a'.replaceAll(' ', ''), 'hex'))
  expect(path).toEqual({ root: 'files', names: ['etc', '/ff66', 'z'] })
  expect(shown(Buffer.from('2fff', 'hex'))).not.toBe(shown('/ff'))
  expect(shown(Buffer.from('2fff', 'hex'))).not.toBe(shown('/\ufffd'))
  expect(shown('/a\0b')).toBe('//610062')
  expect(shown('/\ufeffa')).toBe('/\ufeffa')
})

test('a path too long or too deep is not judged', () => {
  expect(shown(`/${'a'.repeat(5_000)}`)).toBeUndefined()
  expect(shown('/a'.repeat(200))).toBeUndefined()
  expect(shown('/a/..'.repeat(500))).toBe('/')
})

test.each([
  ['~', '~'],
  ['~/.ssh', '~/.ssh'],
  ['~bob/.ssh', '?/~bob/.ssh'],
  ['.ssh', '~/.ssh'],
  ['/etc', '/etc'],
])("a command's word %j is %j", (word, text) => {
  const path = wordPath(word)
  expect(path && pathText(path)).toBe(text)
})

test('objects begin with what their path is below', () => {
  expect(objectPath({ root: 'files', names: ['etc', 'shadow'] })).toEqual(['files', 'etc', 'shadow'])
  expect(objectPath({ root: 'files', names: [] })).toEqual(['files'])
  expect(objectPath({ root: 'home', names: ['.ssh'] })).toEqual(['home', '.ssh'])
})

test('a path says all that it is within', () => {
  const named = new NamedPaths()
  named.add({ root: 'files', names: ['srv', 'a.tar.GZ'] }, 'writes')
  named.add({ root: 'home', names: ['.ssh', 'id.pem'] })
  expect([...named.paths]).toEqual(['/srv/a.tar.GZ', '~/.ssh/id.pem'])
  expect([...named.within]).toEqual(['/srv/a.tar.GZ', '/srv', '/', '~/.ssh/id.pem', '~/.ssh', '~'])
  expect([...named.names]).toEqual(['srv', 'a.tar.GZ', '.ssh', 'id.pem'])
  expect([...named.extensions]).toEqual(['tar', 'gz', 'pem'])
  expect([...named.writes]).toEqual(['/srv/a.tar.GZ'])
})

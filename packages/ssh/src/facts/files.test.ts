import { expect, test } from 'vitest'
import { factsOfFile, type FileRequest, type OpenFlags } from './files.ts'

const no: OpenFlags = {
  read: false,
  write: false,
  append: false,
  create: false,
  truncate: false,
  exclusive: false,
}
const at = (path: string | Uint8Array, real?: string) => ({
  bytes: Buffer.from(path),
  real: real === undefined ? undefined : Buffer.from(real),
})
const facts = (request: FileRequest, home?: string) =>
  factsOfFile(request, { transfer: 'sftp', home: home === undefined ? undefined : Buffer.from(home) })
const does = (request: FileRequest, home?: string) =>
  Object.fromEntries(facts(request, home).objects.map(({ path, actions }) => [path.join('|'), actions]))

test.each([
  [{ ...no, read: true }, ['download']],
  [{ ...no, write: true, create: true, truncate: true }, ['upload']],
  [{ ...no, read: true, write: true }, ['download', 'upload']],
  [{ ...no, read: true, create: true }, ['download', 'upload']],
  [{ ...no, append: true }, ['upload']],
  [no, ['download']],
])('opening with %j is %j', (flags, actions) => {
  const request = { kind: 'open', path: at('/etc/x'), flags } as const
  expect(does(request)).toEqual({ 'files|etc|x': actions })
  expect(facts(request).context['open_flags']).toEqual(
    Object.entries(flags)
      .filter(([, isSet]) => isSet)
      .map(([name]) => name)
      .toSorted(),
  )
})

test('each request is an action on its file', () => {
  expect(does({ kind: 'list', path: at('.') })).toEqual({ home: ['list'] })
  expect(does({ kind: 'list', path: at('/') })).toEqual({ files: ['list'] })
  expect(does({ kind: 'remove', path: at('/a/../b/') })).toEqual({ 'files|b': ['remove'] })
  expect(does({ kind: 'make-directory', path: at('d') }, '/home/alice')).toEqual({
    'files|home|alice|d': ['make-directory'],
  })
  expect(does({ kind: 'rename', from: at('/a'), to: at('/b') })).toEqual({
    'files|a': ['rename'],
    'files|b': ['rename'],
  })
})

test('a link is judged by where it is and by where it leads', () => {
  const link = { kind: 'link', path: at('/srv/www/x'), isSymbolic: true } as const
  expect(does({ ...link, target: at('../../etc/shadow') })).toEqual({
    'files|srv|www|x': ['link'],
    'files|etc|shadow': ['link'],
  })
  expect(does({ ...link, isSymbolic: false, target: at('y') })).toEqual({
    'files|srv|www|x': ['link'],
    'home|y': ['link'],
  })
})

test('where a path leads is judged, and as it came it is in the facts, too', () => {
  const request = {
    kind: 'open',
    path: at('/srv/www/x', '/etc/shadow'),
    flags: { ...no, read: true },
  } as const
  expect(does(request)).toEqual({ 'files|etc|shadow': ['download'] })
  expect(facts(request).context['reads']).toEqual(['/etc/shadow', '/srv/www/x'])
})

test('bytes that are no text are the name of no other file', () => {
  const request = { kind: 'remove', path: at(Buffer.from('2f6574632fff', 'hex')) } as const
  expect(does(request)).toEqual({ 'files|etc|/ff': ['remove'] })
  expect(facts(request).context['within']).toContain('/etc')
})

test('what cannot be judged is not understood', () => {
  expect(facts({ kind: 'unknown' }).actions).toEqual(['unparsed'])
  expect(facts({ kind: 'remove', path: at('/a'.repeat(4_000)) }).actions).toEqual(['remove', 'unparsed'])
})

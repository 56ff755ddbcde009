import { expect, test } from 'vitest'
import { factsOfForward } from './forwards.ts'

const local = (host: string, port = 5432) => factsOfForward({ kind: 'forward-local', host, port })
const remote = (host: string, port = 0) => factsOfForward({ kind: 'forward-remote', host, port })

test('a forward is an action on a port of a host', () => {
  expect(local('DB.Internal.')).toMatchObject({
    actions: ['forward-local'],
    objects: [{ path: ['hosts', 'db.internal', '5432'], actions: ['forward-local'] }],
    context: { host: 'db.internal', port: 5432, loopback: false },
  })
})

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['127.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['0x7f.0.0.1', '127.0.0.1'],
  ['0177.0.0.1', '127.0.0.1'],
  ['127.9.8.7', '127.9.8.7'],
  ['0', '0.0.0.0'],
  ['0.0.0.0', '0.0.0.0'],
  ['::1', '::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['::', '::'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['localhost', 'localhost'],
  ['LOCALHOST.', 'localhost'],
  ['a.localhost', 'a.localhost'],
])('%s is the target itself', (host, usual) => {
  expect(local(host).context).toMatchObject({ host: usual, loopback: true })
})

test.each([
  '10.0.0.1',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '::ffff:10.0.0.1',
  'fe80::1',
  '1.2.3.4',
])('%s is another host', (host) => {
  expect(local(host).context['loopback']).toBe(false)
})

test.each([
  '',
  ' ',
  'a b',
  'a/b',
  'a@b',
  'a%b',
  '[::1]',
  'a\0',
  'ä',
  '1.2.3.4.5',
  '300.1.1.1',
  '::1%lo',
  'a'.repeat(300),
  ':::',
])('the host %j is not understood', (host) => {
  expect(local(host).actions).toEqual(['forward-local', 'unparsed'])
})

test.each([0, -1, 65_536, 1.5])('the port %j is not understood', (port) => {
  expect(local('a', port).actions).toEqual(['forward-local', 'unparsed'])
})

test('to listen at every address is not to listen at oneself', () => {
  for (const host of ['', '*']) expect(remote(host).context).toMatchObject({ host: '*', loopback: false })
  for (const host of ['0.0.0.0', '::']) expect(remote(host).context['loopback']).toBe(false)
  for (const host of ['localhost', '127.0.0.1']) expect(remote(host).context['loopback']).toBe(true)
  expect(remote('', 0).objects).toEqual([{ path: ['hosts', '*', '0'], actions: ['forward-remote'] }])
})

test('a socket is a file', () => {
  const path = Buffer.from('/var/run/docker.sock')
  expect(factsOfForward({ kind: 'forward-socket', path })).toMatchObject({
    actions: ['forward-socket'],
    objects: [{ path: ['files', 'var', 'run', 'docker.sock'], actions: ['forward-socket'] }],
    context: { writes: ['/var/run/docker.sock'] },
  })
  expect(factsOfForward({ kind: 'forward-remote-socket', path }).actions).toEqual(['forward-remote'])
})

test('a screen or keys are forwarded as such', () => {
  expect(factsOfForward({ kind: 'forward-x11' }).actions).toEqual(['forward-x11'])
  expect(factsOfForward({ kind: 'forward-agent' }).actions).toEqual(['forward-agent'])
})

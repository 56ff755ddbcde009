import { expect, test } from 'vitest'
import { factsOfShell, factsOfSubsystem } from './requests.ts'

test('a shell may do anything', () => {
  expect(factsOfShell({ hasTerminal: true, environment: ['LANG'] })).toMatchObject({
    actions: ['shell'],
    context: { dynamic: true, terminal: true, environment: ['LANG'] },
  })
})

test('SFTP begins with a look at the home', () => {
  expect(factsOfSubsystem(Buffer.from('sftp'))).toMatchObject({
    actions: ['list'],
    objects: [{ path: ['home'], actions: ['list'] }],
    context: { subsystem: 'sftp', transfer: 'sftp' },
  })
})

test.each(['SFTP', 'netconf', 'powershell', 'sftp2'])('only the exact name is SFTP, not %s', (name) => {
  expect(factsOfSubsystem(Buffer.from(name))).toMatchObject({
    actions: ['subsystem'],
    objects: [{ path: ['subsystems', name], actions: ['subsystem'] }],
    context: { subsystem: name, transfer: '', dynamic: true },
  })
})

test.each(['', 'sftp ', ' sftp', 'sftp\0', 'sf\ntp', 'ſftp', 'a'.repeat(200)])(
  'the name %j is not understood',
  (name) => {
    expect(factsOfSubsystem(Buffer.from(name))).toMatchObject({
      actions: ['subsystem', 'unparsed'],
      objects: [],
      context: { subsystem: '', transfer: '' },
    })
  },
)

import { expect, test } from 'vitest'
import { caFilePlaceholder, filePlaceholder, fillHint, tokenPlaceholder } from './resources.ts'

test('a hint is filled with the caller’s token and file of authorities, wherever they stand', () => {
  const hint = {
    client: 'psql',
    command: ['psql', `sslrootcert=${caFilePlaceholder} sslmode=verify-full`],
    environment: { PGPASSWORD: tokenPlaceholder, PGUSER: 'orders-db' },
  }
  const mine = { token: 'sp_1', caFile: '/home/a/ca.pem', fileAt: (name: string) => `/home/a/${name}` }
  expect(fillHint(hint, mine)).toEqual({
    client: 'psql',
    command: ['psql', 'sslrootcert=/home/a/ca.pem sslmode=verify-full'],
    environment: { PGPASSWORD: 'sp_1', PGUSER: 'orders-db' },
  })
})

test('the files that it needs are where the caller has laid them', () => {
  const known = filePlaceholder('known_hosts')
  const hint = { client: 'ssh', command: ['ssh', '-o', `UserKnownHostsFile="${known}"`], environment: {} }
  const mine = { token: 'sp_1', caFile: 'system', fileAt: (name: string) => `/home/a/web/${name}` }
  expect(fillHint(hint, mine).command[2]).toBe('UserKnownHostsFile="/home/a/web/known_hosts"')
})

import { expect, test } from 'vitest'
import { caFilePlaceholder, fillHint, tokenPlaceholder } from './resources.ts'

test('a hint is filled with the caller’s token and file of authorities, wherever they stand', () => {
  const hint = {
    client: 'psql',
    command: ['psql', `sslrootcert=${caFilePlaceholder} sslmode=verify-full`],
    environment: { PGPASSWORD: tokenPlaceholder, PGUSER: 'orders-db' },
  }
  expect(fillHint(hint, { token: 'sp_1', caFile: '/home/a/ca.pem' })).toEqual({
    client: 'psql',
    command: ['psql', 'sslrootcert=/home/a/ca.pem sslmode=verify-full'],
    environment: { PGPASSWORD: 'sp_1', PGUSER: 'orders-db' },
  })
})

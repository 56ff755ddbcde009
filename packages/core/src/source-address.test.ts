import { expect, test } from 'vitest'
import { sourceAddress } from './source-address.ts'

test.each([
  ['192.0.2.1:5432', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['[2001:db8::1]:22', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[fe80::1%eth0]:22', 'fe80::1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['[::FFFF:192.0.2.1]:5432', '192.0.2.1'],
  ['host:22', undefined],
  ['', undefined],
  ['192.0.2.999:1', undefined],
])('the address in %j is %j', (text, address) => {
  expect(sourceAddress(text)).toBe(address)
})

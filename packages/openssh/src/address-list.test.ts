import { BlockList } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isInAddressList } from './address-list.ts'
import { Malformed } from './wire.ts'

test.each([
  ['10.0.0.0/8', '10.255.255.255'],
  ['10.1.2.3', '10.1.2.3'],
  ['0.0.0.0/0', '192.0.2.1'],
  ['192.0.2.0/25', '192.0.2.127'],
  ['192.0.2.0/24', '::ffff:192.0.2.9'],
  ['192.0.2.0/24', '::ffff:c000:209'],
  ['::ffff:192.0.2.0/120', '192.0.2.9'],
  ['2001:db8::/32', '2001:db8:ffff::1'],
  ['2001:DB8::1', '2001:db8:0:0:0:0:0:1'],
  ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:2ff'],
  ['::/0', '2001:db8::1'],
  ['fe80::/10', 'fe80::1%eth0'],
  ['10.0.0.0/8,::1', '::1'],
])('%s holds %s', (list, address) => expect(isInAddressList(list, address)).toBe(true))

test.each([
  ['10.0.0.0/8', '11.0.0.0'],
  ['192.0.2.0/25', '192.0.2.128'],
  ['::/0', '192.0.2.1'],
  ['0.0.0.0/0', '::1'],
  ['2001:db8::/32', '2001:db9::'],
  ['10.0.0.0/8', 'localhost'],
  ['10.0.0.0/8', ''],
])('%s does not hold %j', (list, address) => expect(isInAddressList(list, address)).toBe(false))

test.each([
  '',
  ',',
  '10.0.0.0/8,',
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/08',
  '10.0.0.0/',
  '10.0.0.1/8',
  '2001:db8::1/32',
  '010.0.0.0/8',
  '10.0.0.0/8 ',
  'fe80::1%eth0',
  '!10.0.0.0/8',
  'example.com',
  Array.from({ length: 257 }, () => '10.0.0.1').join(),
])('%j is no list of networks', (list) => {
  expect(() => isInAddressList(list, '10.0.0.1')).toThrow(Malformed)
})

test('it agrees with Node’s own about addresses of one family', () => {
  const numbers = (bits: number): fc.Arbitrary<bigint> => fc.bigInt(0n, 2n ** BigInt(bits) - 1n)
  const cases = fc.constantFrom(32, 128).chain((width) =>
    fc.record({
      width: fc.constant(width),
      bits: fc.nat(width),
      network: numbers(width),
      // What differs is often in the last bits alone.
      differs: fc.nat(width).chain(numbers),
    }),
  )
  fc.assert(
    fc.property(cases, ({ width, bits, network, differs }) => {
      const host = BigInt(width - bits)
      const base = (network >> host) << host
      // What is IPv4 within IPv6 we take for IPv4, and Node for IPv6.
      fc.pre(width === 32 || [base, network ^ differs].every((one) => one >> 32n !== 0xffffn))
      const [text, address] = [written(base, width), written(network ^ differs, width)]
      const family = width === 32 ? 'ipv4' : 'ipv6'
      const theirs = new BlockList()
      theirs.addSubnet(text, bits, family)
      expect(isInAddressList(`${text}/${bits}`, address)).toBe(theirs.check(address, family))
    }),
    { numRuns: 5000 },
  )
})

function written(address: bigint, width: number): string {
  const [size, separator, radix] = width === 32 ? [8, '.', 10] : [16, ':', 16]
  const parts = Array.from(
    { length: width / size },
    (_, at) => (address >> BigInt(width - size * (at + 1))) & (2n ** BigInt(size) - 1n),
  )
  return parts.map((part) => part.toString(radix)).join(separator)
}

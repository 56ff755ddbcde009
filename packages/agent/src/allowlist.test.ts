import { Failure } from '@sallyport/proto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allowlist, parseAllowPattern, type AllowPattern, type Resolve } from './allowlist.ts'

function patterns(...texts: string[]): AllowPattern[] {
  return texts.map((text) => {
    const pattern = parseAllowPattern(text)
    if (pattern === undefined) throw new Error(`not a pattern: ${text}`)
    return pattern
  })
}

const names: Record<string, string[]> = {
  'db.orders.internal': ['10.4.0.7'],
  'deep.db.orders.internal': ['10.4.0.8'],
  'orders.internal': ['10.4.0.9'],
  'evil.orders.internal': ['127.0.0.1'],
  'mixed.orders.internal': ['169.254.169.254', '10.4.0.7'],
  'notorders.internal': ['10.4.0.10'],
  'public.example': ['93.184.215.14', '2606:2800:21f::1'],
  localhost: ['127.0.0.1', '::1'],
}
const resolve: Resolve = (name) => {
  const found = names[name]
  return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found)
}
/** What may be dialled, or how it fails. */
async function ask(
  list: string[] | undefined,
  host: string,
  port: number,
): Promise<readonly string[] | number> {
  const allow = allowlist(list === undefined ? undefined : patterns(...list), resolve)
  try {
    return await allow(host, port)
  } catch (thrown) {
    return (thrown as { failure: number }).failure
  }
}
const no = Failure.NOT_ALLOWED

test.for([
  // list, host, port, outcome
  [['db.orders.internal:5432'], 'db.orders.internal', 5432, ['10.4.0.7']],
  [['db.orders.internal:5432'], 'DB.Orders.Internal.', 5432, ['10.4.0.7']],
  [['db.orders.internal:5432'], 'db.orders.internal', 5433, no],
  [['db.orders.internal:*'], 'db.orders.internal', 5433, ['10.4.0.7']],
  [['*.orders.internal:5432'], 'deep.db.orders.internal', 5432, ['10.4.0.8']],
  [['*.orders.internal:5432'], 'orders.internal', 5432, no],
  [['*.orders.internal:5432'], 'notorders.internal', 5432, no],
  // The address behind a name counts as much as its name.
  [['10.4.0.0/16:5432'], 'db.orders.internal', 5432, ['10.4.0.7']],
  [['10.5.0.0/16:5432'], 'db.orders.internal', 5432, no],
  [['10.4.0.0/16:5432'], '10.4.255.255', 5432, ['10.4.255.255']],
  [['10.4.0.0/16:5432'], '10.5.0.0', 5432, no],
  [['10.4.0.7:5432'], '10.4.0.7', 5432, ['10.4.0.7']],
  [['[2606:2800::/32]:443'], 'public.example', 443, ['2606:2800:21f::1']],
  [['*:443'], 'public.example', 443, ['93.184.215.14', '2606:2800:21f::1']],
  // Names do not lead to this machine, nor to its network's own services.
  [['*.orders.internal:5432'], 'evil.orders.internal', 5432, no],
  [['evil.orders.internal:5432'], 'evil.orders.internal', 5432, no],
  [['*.orders.internal:80'], 'mixed.orders.internal', 80, ['10.4.0.7']],
  [['*:*'], 'localhost', 5432, no],
  [['0.0.0.0/0:*', '[::/0]:*'], '127.0.0.1', 5432, no],
  [['0.0.0.0/0:*', '[::/0]:*'], '169.254.169.254', 80, no],
  [['[::/0]:*'], '::ffff:169.254.169.254', 80, no],
  [['[::/0]:*'], '::ffff:a9fe:a9fe', 80, no],
  [['[::/0]:*'], '64:ff9b::a9fe:a9fe', 80, no],
  [['[::/0]:*'], 'fd00:ec2::254', 80, no],
  // Unless they are named.
  [['127.0.0.1:5432'], '127.0.0.1', 5432, ['127.0.0.1']],
  [['127.0.0.0/8:5432'], 'evil.orders.internal', 5432, ['127.0.0.1']],
  [['localhost:5432'], 'localhost', 5432, ['127.0.0.1', '::1']],
  [['169.254.169.254:80'], '169.254.169.254', 80, ['169.254.169.254']],
  // Without a list.
  [undefined, 'db.orders.internal', 5432, ['10.4.0.7']],
  [undefined, 'localhost', 5432, no],
  [undefined, '169.254.169.254', 80, no],
  [[], 'db.orders.internal', 5432, no],
  // Names that do not exist are not the allowlist's business.
  [['*:5432'], 'no.such.name', 5432, Failure.UNREACHABLE],
  [['*:22'], 'no.such.name', 5432, no],
] as const)('with %j, %s:%i is %j', async ([list, host, port, outcome]) => {
  expect(await ask(list === undefined ? undefined : [...list], host, port)).toEqual(outcome)
})

test.for([
  '',
  'x',
  ':5432',
  'host:',
  'host:0',
  'host:65536',
  'host:5432 x',
  'a b:1',
  '10.0.0.0/33:1',
  '10.0.0.0/:1',
  '[::/129]:1',
  '::1:5432',
  '[db.internal]:5432',
  'a..b:1',
  '-a:1',
  '*.*.b:1',
  'a*.b:1',
  'http://a:1',
])('%j is no pattern', (text) => {
  expect(parseAllowPattern(text)).toBeUndefined()
})

test('a range permits exactly the addresses that share its prefix', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.ipV4(),
      fc.integer({ min: 1, max: 32 }),
      fc.ipV4(),
      fc.boolean(),
      async (network, prefix, other, near) => {
        const number = (ip: string): number =>
          ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
        const text = (value: number): string =>
          [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
        // Half of the addresses are taken from around the range's end, where mistakes are.
        const size = 2 ** (32 - prefix)
        const start = Math.floor(number(network) / size) * size
        const address = near ? text(Math.min(2 ** 32 - 1, start + size - 1 + (number(other) % 2))) : other
        const isIn = number(address) >= start && number(address) < start + size
        const isOwn = /^(0|127|22[4-9]|2[3-5]\d)\.|^169\.254\.|^100\.100\.100\.200$|^192\.0\.0\.192$/.test(
          address,
        )
        fc.pre(!isOwn)
        expect(await ask([`${network}/${prefix}:1`], address, 1)).toEqual(isIn ? [address] : no)
      },
    ),
  )
})

test('any text is a pattern or is none, and throws nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9.*:/[\]-]{0,20}$/)), (text) => {
      const pattern = parseAllowPattern(text)
      expect(pattern === undefined || typeof pattern.kind === 'string').toBe(true)
    }),
  )
})

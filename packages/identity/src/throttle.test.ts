import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import { Throttle } from './throttle.ts'

const limits = {
  perSource: { failures: 3, forgetOneMs: 1000 },
  perName: { failures: 2, forgetOneMs: 10_000 },
  maxRemembered: 100,
}
const times = (n: number, what: () => void): void => Array.from({ length: n }).forEach(() => what())

describe('the throttle', () => {
  test('refuses a source after its failures, says how long, and lets one in as each is forgotten', () => {
    const clock = new FakeClock()
    const throttle = new Throttle(clock, limits)
    times(2, () => throttle.failed('10.0.0.1:4000'))
    expect(throttle.check('10.0.0.1:4001')).toBeUndefined()
    throttle.failed('10.0.0.1:4002')
    expect(throttle.check('10.0.0.1')).toMatchObject({
      code: 'throttled',
      next: 'wait 1 seconds and try again',
    })
    expect(throttle.check('10.0.0.2')).toBeUndefined()
    clock.advance(1000)
    expect(throttle.check('10.0.0.1')).toBeUndefined()
    throttle.failed('10.0.0.1')
    expect(throttle.check('10.0.0.1')).toBeDefined()
  })

  test('lets in as soon, when somebody sets the clock back meanwhile', () => {
    const clock = new FakeClock()
    const throttle = new Throttle(clock, limits)
    times(3, () => throttle.failed('10.0.0.1:4000'))
    clock.set(-3_600_000)
    expect(throttle.check('10.0.0.1')).toMatchObject({ next: 'wait 1 seconds and try again' })
    clock.advance(1000)
    expect(throttle.check('10.0.0.1')).toBeUndefined()
  })

  test('refuses a name wherever it is tried from, and any attempt one of whose keys is refused', () => {
    const throttle = new Throttle(new FakeClock(), limits)
    throttle.failed('10.0.0.1', 'user:alice')
    throttle.failed('10.0.0.2', 'user:alice')
    expect(throttle.check('10.0.0.3', 'user:alice')).toMatchObject({ next: 'wait 10 seconds and try again' })
    expect(throttle.check('10.0.0.3', 'user:bob')).toBeUndefined()
  })

  test('forgets a name’s failures when it succeeds, but not its source’s', () => {
    const throttle = new Throttle(new FakeClock(), limits)
    times(3, () => throttle.failed('10.0.0.1', 'user:alice'))
    throttle.succeeded('10.0.0.1', 'user:alice')
    expect(throttle.check('user:alice')).toBeUndefined()
    expect(throttle.check('10.0.0.1')).toBeDefined()
  })

  test('never makes anybody wait longer than the whole bucket, however often they fail', () => {
    const clock = new FakeClock()
    const throttle = new Throttle(clock, limits)
    times(1000, () => throttle.failed('10.0.0.1'))
    clock.advance(3000)
    times(2, () => throttle.failed('10.0.0.1'))
    expect(throttle.check('10.0.0.1')).toBeUndefined()
  })

  test.each([
    ['[2001:db8:1:2:3:4:5:6]:5432', '2001:db8:1:2::1'],
    ['2001:db8::1', '2001:0DB8:0:0:ffff::'],
    ['::1', '[::2]:80'],
    ['fe80::1%eth0', 'fe80::2'],
    ['::ffff:10.0.0.1', '10.0.0.1:99'],
  ])('takes %s and %s for one source', (one, other) => {
    const throttle = new Throttle(new FakeClock(), limits)
    times(3, () => throttle.failed(one))
    expect(throttle.check(other)).toBeDefined()
  })

  test.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['10.0.0.1', '10.0.0.2'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.2'],
  ])('takes %s and %s for two', (one, other) => {
    const throttle = new Throttle(new FakeClock(), limits)
    times(3, () => throttle.failed(one))
    expect(throttle.check(other)).toBeUndefined()
  })

  test('remembers so many, and a flood of others does not free the one that is blocked', () => {
    const throttle = new Throttle(new FakeClock(), limits)
    times(3, () => throttle.failed('10.0.0.1'))
    for (let i = 0; i < 5000; i++) throttle.failed(`10.1.${i >> 8}.${i & 255}`)
    expect(throttle.check('10.0.0.1')).toBeDefined()
  })

  test('agrees with counting by hand', () => {
    const step = fc.oneof(fc.record({ wait: fc.nat(5000) }), fc.constant('fail' as const))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new FakeClock()
        const throttle = new Throttle(clock, limits)
        let level = 0
        for (const one of steps) {
          if (one === 'fail') {
            throttle.failed('10.0.0.1')
            level = Math.min(level + 1000, 3000)
          } else {
            clock.advance(one.wait)
            level = Math.max(0, level - one.wait)
          }
          expect(throttle.check('10.0.0.1') !== undefined).toBe(level > 2000)
        }
      }),
    )
  })
})

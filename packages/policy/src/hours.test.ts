import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHours } from './hours.ts'

function isOpen(text: string, at: string): boolean {
  const hours = readHours(text)
  if (hours === undefined) throw new Error(`${text} is not read`)
  return hours.isOpen(Date.parse(at))
}

// 2026-01-05 is a Monday.
test.each([
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-01-05T06:59:59Z', false],
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-01-05T07:00:00Z', true],
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-01-05T16:59:59Z', true],
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-01-05T17:00:00Z', false],
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-01-10T12:00:00Z', false],
  // An hour earlier by UTC in summer.
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-07-06T06:00:00Z', true],
  ['mon-fri 08:00-18:00 Europe/Berlin', '2026-07-06T16:00:00Z', false],
  ['mon-fri 08:00-18:00 UTC', '2026-01-05T08:00:00Z', true],
  ['mon 09:00-10:00; sat,sun 10:00-12:00 Asia/Kolkata', '2026-01-05T04:00:00Z', true],
  ['mon 09:00-10:00; sat,sun 10:00-12:00 Asia/Kolkata', '2026-01-11T05:00:00Z', true],
  ['mon 09:00-10:00; sat,sun 10:00-12:00 Asia/Kolkata', '2026-01-11T07:00:00Z', false],
  // Over midnight: the morning belongs to the evening before.
  ['fri 22:00-06:00 UTC', '2026-01-09T21:59:00Z', false],
  ['fri 22:00-06:00 UTC', '2026-01-09T22:00:00Z', true],
  ['fri 22:00-06:00 UTC', '2026-01-10T05:59:00Z', true],
  ['fri 22:00-06:00 UTC', '2026-01-10T06:00:00Z', false],
  ['fri 22:00-06:00 UTC', '2026-01-09T05:00:00Z', false],
  ['sun 22:00-06:00 UTC', '2026-01-12T05:00:00Z', true],
  ['sat-mon 00:00-24:00 UTC', '2026-01-11T23:59:59Z', true],
  ['sat-mon 00:00-24:00 UTC', '2026-01-13T00:00:00Z', false],
  // The hour that is left out in spring, and the one that comes twice in autumn.
  ['sun 02:00-03:00 Europe/Berlin', '2026-03-29T01:00:00Z', false],
  ['sun 02:00-03:00 Europe/Berlin', '2026-10-25T00:30:00Z', true],
  ['sun 02:00-03:00 Europe/Berlin', '2026-10-25T01:30:00Z', true],
  ['sun 02:00-03:00 Europe/Berlin', '2026-10-25T02:00:00Z', false],
])('%s at %s', (text, at, expected) => {
  expect(isOpen(text, at)).toBe(expected)
})

test.each([
  '',
  'mon-fri 08:00-18:00',
  'mon-fri 08:00-18:00 Europe/Berln',
  'mon-fri 08:00-18:00 +02:00',
  'mon-fri Europe/Berlin',
  'funday 08:00-18:00 UTC',
  'mon- 08:00-18:00 UTC',
  'mon-tue-wed 08:00-18:00 UTC',
  'mon, 08:00-18:00 UTC',
  'Mon 08:00-18:00 UTC',
  'mon 8:00-18:00 UTC',
  'mon 08:60-18:00 UTC',
  'mon 08:00-25:00 UTC',
  'mon 24:00-08:00 UTC',
  'mon 08:00-08:00 UTC',
  'mon 08:00-18:00; UTC',
  'mon 08:00-18:00 tue 08:00-18:00 UTC',
  `${'mon 08:00-18:00; '.repeat(20)}mon 08:00-18:00 UTC`,
])('%s is none', (text) => {
  expect(readHours(text)).toBeUndefined()
})

test('a window and what is left of its week are never open together, and one of them always is', () => {
  const time = fc
    .integer({ min: 0, max: 1439 })
    .map((at) => new Date(at * 60_000).toISOString().slice(11, 16))
  const zone = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  )
  fc.assert(
    fc.property(
      time,
      time,
      zone,
      fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
      (a, b, where, at) => {
        fc.pre(a !== b)
        const inside = readHours(`mon-sun ${a}-${b} ${where}`)?.isOpen(at.getTime())
        const outside = readHours(`mon-sun ${b}-${a} ${where}`)?.isOpen(at.getTime())
        expect(inside).toBe(outside === false)
      },
    ),
  )
})

test('whatever is written, it is read or refused', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), (text) => {
      const open = readHours(text)?.isOpen(0) ?? false
      expect([true, false]).toContain(open)
    }),
  )
})

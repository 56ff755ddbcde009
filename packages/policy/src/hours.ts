/** When a permit may be used, by the clock of one place on Earth, to the minute. */
export interface Hours {
  /** As it was written. */
  readonly text: string
  isOpen(atMs: number): boolean
}

/** On some days of the week, from one minute of the day to another; to the next day's where the end is not after the start. */
interface Window {
  readonly days: ReadonlySet<number>
  readonly from: number
  readonly to: number
}

/** Reads `mon-fri 08:00-18:00 Europe/Berlin`; several windows before the zone are parted by semicolons. Undefined where it is none. */
export function readHours(text: string): Hours | undefined {
  const [, before = '', zone = ''] = /^(.+?)\s+(\S+)$/s.exec(text.trim()) ?? []
  const windows = before.split(';').map((part) => readWindow(part.trim()))
  const clock = localClock(zone)
  if (clock === undefined || text.length > maxLength || windows.includes(undefined)) return undefined
  const known = windows.filter((window) => window !== undefined)
  return {
    text: text.trim(),
    isOpen: (atMs) => {
      const { day, minute } = clock(atMs)
      return known.some((window) => contains(window, day, minute))
    },
  }
}

function contains({ days, from, to }: Window, day: number, minute: number): boolean {
  if (from < to) return days.has(day) && minute >= from && minute < to
  return (days.has(day) && minute >= from) || (days.has((day + 6) % 7) && minute < to)
}

/** `mon-fri 08:00-18:00`, `sat,sun 22:00-06:00`. */
function readWindow(text: string): Window | undefined {
  const [, names = '', start = '', end = ''] = /^(\S+)\s+([0-9:]{5})-([0-9:]{5})$/.exec(text) ?? []
  const days = names.split(',').map(readDays)
  const [from, to] = [minuteOfDay(start), minuteOfDay(end)]
  if (from === undefined || to === undefined || from === to || from === minutesADay) return undefined
  if (days.includes(undefined)) return undefined
  return { days: new Set(days.flatMap((some) => some ?? [])), from, to }
}

/** `mon` or `fri-mon`. */
function readDays(text: string): number[] | undefined {
  const [first, last, ...more] = text.split('-').map((name) => dayNames.indexOf(name))
  if (first === undefined || first === -1 || last === -1 || more.length > 0) return undefined
  const count = last === undefined ? 1 : ((last - first + 7) % 7) + 1
  return Array.from({ length: count }, (_, i) => (first + i) % 7)
}

function minuteOfDay(text: string): number | undefined {
  const [, hour, minute] = /^(\d\d):(\d\d)$/.exec(text) ?? []
  const at = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && at <= minutesADay ? at : undefined
}

/** Day of the week (0 is Monday) and minute of the day there; undefined where there is no such zone. */
function localClock(zone: string): ((atMs: number) => { day: number; minute: number }) | undefined {
  // Only names: an offset would not follow the seasons, and looks as if it did.
  if (!/^[A-Za-z][\w+/-]*$/.test(zone)) return undefined
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  } catch {
    return undefined
  }
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]))
    const day = dayNames.indexOf((parts.get('weekday') ?? '').toLowerCase())
    return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
  }
}

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const minutesADay = 24 * 60
const maxLength = 300

import { exit, Failure } from './failure.ts'

/** `90m`, `2h`, `1h30m`, `2d` in seconds. @throws Failure */
export function seconds(text: string): number {
  const parts = /^(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m)?$/.exec(text)
  const [days = 0, hours = 0, minutes = 0] = (parts ?? []).slice(1).map((part) => Number(part ?? 0))
  const all = days * 86_400 + hours * 3600 + minutes * 60
  if (all > 0) return all
  throw new Failure(`${text} is no length of time`, {
    exitCode: exit.usage,
    next: 'write it like 30m, 2h, 1h30m or 2d',
  })
}

/** The same, and `600` is in seconds. @throws Failure */
export function secondsOrNumber(text: string): number {
  return /^\d{1,6}$/.test(text) ? Number(text) : seconds(text)
}

/** A moment of something that is played: `90`, `1m30s`, `1h`, `2.5s` in milliseconds. @throws Failure */
export function milliseconds(text: string): number {
  const parts = /^(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7}(?:\.\d{1,3})?)s?)?$/.exec(text)
  if (parts !== null && text !== '') {
    const [hours = 0, minutes = 0, rest = 0] = parts.slice(1).map((part) => Number(part ?? 0))
    return Math.round((hours * 3600 + minutes * 60 + rest) * 1000)
  }
  throw new Failure(`${text} is no moment`, { exitCode: exit.usage, next: 'write it like 90, 1m30s or 1h' })
}

/** The other way round. */
export function inUnits(of: number): string {
  const [days, hours, minutes] = [Math.floor(of / 86_400), Math.floor((of % 86_400) / 3600), (of % 3600) / 60]
  const parts = [
    days > 0 ? `${days}d` : '',
    hours > 0 ? `${hours}h` : '',
    minutes >= 1 ? `${Math.floor(minutes)}m` : '',
  ]
  return parts.join('') || `${of}s`
}

import type { Line } from '../judge.ts'

/** A value as people read it, three digits that mean something. */
export function shown(value: number, unit: Line['unit']): string {
  switch (unit) {
    case 'bytes': {
      const size = Math.abs(value)
      if (size >= 1024 ** 3) return `${digits(value / 1024 ** 3)} GB`
      return size >= 1024 * 100 ? `${digits(value / 1024 ** 2)} MB` : `${digits(value / 1024)} kB`
    }
    case 'count':
      return digits(value)
    case 'ms':
      return `${digits(value)} ms`
    case 'per second':
      return `${digits(value)}/s`
  }
}

export function digits(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  if (size === 0) return '0'
  return String(Number(value.toPrecision(size >= 1 ? 3 : 2)))
}

/** A change an hour, with its sign. */
export function slope(value: number, unit: Line['unit']): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${shown(Math.abs(value), unit)} an hour`
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

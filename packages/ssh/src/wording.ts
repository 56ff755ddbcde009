import { Fault, type Refusal } from '@sallyport/core'

/** What ssh itself exits with where it could not do what it was asked to. */
export const exitNotConnected = 255
/** What shells exit with for a command that may not be run. */
export const exitNotPermitted = 126

/** A refusal or fault, as lines for a terminal, each with its end. */
export function wordsOf(cause: Refusal | Fault): string {
  if (cause instanceof Fault) return line(cause.shown)
  return line(cause.reason) + (cause.next === undefined ? '' : line(cause.next))
}

/** In one line of ASCII, for a disconnect: OpenSSH's client escapes what is beyond, and cuts it after 400 characters. */
export function wordsInOne(cause: Refusal | Fault): string {
  const words = cause instanceof Fault ? cause.shown : [cause.reason, cause.next].filter(Boolean).join('; ')
  return `sallyport: ${words}`
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replace(/[^\x20-\x7e]/g, '?')
}

export function line(words: string): string {
  return `sallyport: ${words}\n`
}

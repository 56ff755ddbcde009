import type { Word } from './script.ts'

/** Options of a program that runs what follows them. */
export interface OptionSpec {
  /** Letters that take no value. */
  readonly flags?: string
  /** Letters that take one, attached or as the next word. */
  readonly values?: string
  /** Letters whose value, if any, is attached. */
  readonly attached?: string
  /** Long options without a value or with one after `=`. */
  readonly long?: string
  /** Long options with a value, after `=` or as the next word. */
  readonly longValues?: string
  /** `-10` is an option, too. */
  readonly numeric?: boolean
}

export interface Options {
  /** Index of the first word that is none. */
  readonly end: number
  /** By letter or long name, those that have no value with an empty one. */
  readonly found: ReadonlyMap<string, Word>
  /** Each was known. Otherwise `end` is a guess. */
  readonly isCertain: boolean
}

/** Reads options as getopt does with `+`: up to the first word that is none, or `--`. */
export function readOptions(words: readonly Word[], from: number, spec: OptionSpec): Options {
  const found = new Map<string, Word>()
  let isCertain = true
  let at = from
  for (; at < words.length; at++) {
    const word = words[at]
    if (word === undefined) {
      isCertain = false
      continue
    }
    if (word === '--') {
      at++
      break
    }
    if (!word.startsWith('-') || word === '-') break
    if (spec.numeric === true && /^-\d+$/.test(word)) continue
    if (word.startsWith('--')) at += longOption(word.slice(2), at)
    else at += cluster(word, at)
  }
  return { end: Math.min(at, words.length), found, isCertain }

  /** @returns how many words after it are its value */
  function longOption(text: string, index: number): number {
    const equals = text.indexOf('=')
    const name = equals === -1 ? text : text.slice(0, equals)
    const flags = spec.long?.split(' ') ?? []
    const values = spec.longValues?.split(' ') ?? []
    const all = [...flags, ...values]
    const fits = all.includes(name) ? [name] : all.filter((one) => one.startsWith(name))
    const [fitting] = fits
    if (fitting === undefined || fits.length > 1) {
      isCertain = false
      return 0
    }
    const isNext = equals === -1 && values.includes(fitting)
    found.set(fitting, isNext ? words[index + 1] : equals === -1 ? '' : text.slice(equals + 1))
    return isNext ? 1 : 0
  }

  function cluster(word: string, index: number): number {
    for (let letter = 1; letter < word.length; letter++) {
      const name = word[letter] ?? ''
      if (spec.flags?.includes(name) === true) {
        found.set(name, '')
        continue
      }
      const rest = word.slice(letter + 1)
      if (spec.attached?.includes(name) === true) {
        found.set(name, rest)
        return 0
      }
      if (spec.values?.includes(name) === true) {
        found.set(name, rest === '' ? words[index + 1] : rest)
        return rest === '' ? 1 : 0
      }
      isCertain = false
      return 0
    }
    return 0
  }
}

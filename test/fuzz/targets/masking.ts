import { detectors, defaultRedactor, redact, scrub, Sieve } from '@sallyport/masking'
import { pick, Tape, type Choices, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: the choices of a text in which secrets are planted, between words and noise. */
export const target: Target = {
  name: 'masking',
  promise:
    'what a detector is for is found wherever it stands by itself, finds are in order and apart, and no text takes long',
  unit: 'inputs',
  units: { long: 300_000, short: 800 },
  guide: /packages\/masking\/src\//,
  maxBytes: 2048,
  slowMs: 400,
  open: () => Promise.resolve(subject),
}

const key = Buffer.alloc(32, 3)
const scrubbers = Object.values(detectors).map((detector) => ({
  detector,
  redactor: defaultRedactor(detector.tag),
}))
const redactors = [
  { kind: 'full' },
  { kind: 'keep-last', count: 4 },
  { kind: 'keep-domain' },
  { kind: 'hash' },
  { kind: 'digits' },
] as const
const sieve = new Sieve(scrubbers.map(({ detector }) => detector))

const subject: Subject = {
  seeds: [],
  words: [],
  invent: (random: Random) => random.bytes(8 + random.below(160)),
  run(input) {
    const tape = new Tape(input)
    const { text, planted } = write(tape)
    const scrubbed = scrub(scrubbers, text, key)?.text ?? text
    for (const { secret } of planted)
      must(!scrubbed.includes(secret), () => `${secret} survives: ${JSON.stringify(text)}`)
    const bytes = Buffer.from(text)
    const may = sieve.mayHold(bytes, 0, bytes.length)
    const isFound = new Uint8Array(text.length)
    for (const [which, { detector }] of scrubbers.entries()) {
      const spans = detector.find(text)
      for (const { from, to } of spans) isFound.fill(1, from, to)
      spans.forEach(({ from, to }, i) => {
        must(
          from < to && to <= text.length,
          () => `${detector.name}: a find from ${from} to ${to} of ${text.length}`,
        )
        must(i === 0 || spans[i - 1]!.to <= from, () => `${detector.name}: finds that overlap`)
      })
      if (spans.length > 0)
        must(
          ((may >>> which) & 1) === 1,
          () => `${detector.name} finds what the sieve lets pass: ${JSON.stringify(text)}`,
        )
    }
    for (const { secret, at } of planted) {
      const shown = isFound.subarray(at, at + secret.length).indexOf(0)
      must(shown === -1, () => `${secret} is shown from ${shown} on: ${JSON.stringify(text)}`)
    }
    for (const redactor of redactors) {
      const shown = redact(redactor, text, key)
      must(
        typeof shown === 'string' && shown === redact(redactor, text, key),
        () => `${redactor.kind} is not stable`,
      )
    }
    // The same, long: anything worse than linear shows.
    const long = text.repeat(Math.ceil(longText / Math.max(1, text.length)))
    if (tape.below(16) === 15) scrub(scrubbers, long.slice(0, longText), key)
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

const longText = 50_000

interface Planted {
  readonly secret: string
  /** Where it stands in the text. */
  readonly at: number
}

function write(choices: Choices): { readonly text: string; readonly planted: readonly Planted[] } {
  const planted: Planted[] = []
  let text = ''
  for (let left = 1 + choices.below(12); left > 0; left--) {
    if (choices.below(3) > 0) text += pick(choices, noise).repeat(1 + choices.below(4))
    else {
      const secret = pick(choices, secrets)(choices)
      const [before, after] = pick(choices, frames)
      planted.push({ secret, at: text.length + before.length })
      text += before + secret + after
    }
  }
  return { text, planted }
}

/** What stands around a value in real texts. */
const frames = [
  [' ', ' '],
  ['\n', '\n'],
  ['"', '"'],
  ['(', ')'],
  [': ', ', '],
  ['\t', '\t'],
  ['>', '<'],
  [' ', '. '],
] as const

const noise = [
  'word ', 'a', '0', '1234', '-', '--', '.', '..', '@', '+', ' ', '\n', '=', '_', '/', '\\', '"', 'é', '日本', '🐘', 'eyJ', 'eyJhbGciOiJIUzI1NiJ9.', 'sk_live_', 'AKIA', 'ghp_',
  '-----BEGIN PRIVATE KEY-----', '-----BEGIN ', 'DE89', 'GB', '+49 ', '(555) ', '4111', '4111-', '123-45-', 'x@y.', 'a.b.c.', 'a@', '\0', '\u2028', '٣', '１',
] // prettier-ignore

const secrets: readonly ((choices: Choices) => string)[] = [
  (choices) =>
    `${letters(choices, 1 + choices.below(12))}.${letters(choices, 3)}@${letters(choices, 2 + choices.below(10))}.${pick(choices, ['com', 'example.org', 'co.uk'])}`,
  (choices) => withLuhn(`4${digits(choices, 14)}`),
  (choices) => withLuhn(`5${1 + choices.below(5)}${digits(choices, 13)}`).replace(/(\d{4})(?=\d)/g, '$1 '),
  (choices) => withIban('DE', digits(choices, 18)),
  (choices) => withIban('GB', `WEST${digits(choices, 14)}`),
  (choices) => `${100 + choices.below(500)}-${String(10 + choices.below(89))}-${1000 + choices.below(8999)}`,
  (choices) => `+4930${digits(choices, 7)}`,
  (choices) => `(${200 + choices.below(700)}) ${200 + choices.below(700)}-${1000 + choices.below(8999)}`,
  (choices) => `AKIA${letters(choices, 16).toUpperCase()}`,
  (choices) => `ghp_${letters(choices, 36)}`,
  (choices) => `sk_live_${letters(choices, 24)}`,
]

function letters(choices: Choices, count: number): string {
  return Array.from({ length: count }, () => String.fromCharCode(0x61 + choices.below(26))).join('')
}

function digits(choices: Choices, count: number): string {
  return Array.from({ length: count }, () => choices.below(10)).join('')
}

/** ISO/IEC 7812-1 annex B, by a computation of our own. */
function withLuhn(first: string): string {
  for (let check = 0; check < 10; check++) {
    const all = Array.from(`${first}${check}`, Number).toReversed()
    const sum = all.reduce(
      (total, digit, i) => total + (i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)),
      0,
    )
    if (sum % 10 === 0) return `${first}${check}`
  }
  throw new TypeError('one of ten digits fits')
}

/** ISO 13616, by a computation of our own. */
function withIban(country: string, account: string): string {
  const number = Array.from(`${account}${country}00`, (it) => Number.parseInt(it, 36)).join('')
  return `${country}${String(98n - (BigInt(number) % 97n)).padStart(2, '0')}${account}`
}

import { detectors, detectorTags } from '@sallyport/masking'
import { OutputMask } from '../../../packages/ssh/src/terminal/output-mask.ts'
import { pick, Random, Tape, type Choices } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut } from './postgres/dialogue.ts'

/** An input: the choices of a terminal's output, with escapes, noise and secrets in it. How it is cut depends on all of them. */
export const target: Target = {
  name: 'terminal',
  promise:
    'masked output is the same however it is cut, shows no secret that came whole before it had to leave, and keeps all else',
  unit: 'inputs',
  units: { long: 30_000, short: 400 },
  guide: /packages\/(ssh\/src\/terminal|masking\/src)/,
  maxBytes: 512,
  slowMs: 400,
  open: () => Promise.resolve(subject),
}

const masking = { mode: 'lenient', columns: [], detectors: Object.keys(detectors), redactors: {} } as const
const tags: ReadonlySet<string> = new Set(Object.values(detectorTags))

const subject: Subject = {
  seeds: [],
  words: [],
  invent: (random: Random) => random.bytes(8 + random.below(100)),
  run(input) {
    const tape = new Tape(input)
    const { stream, secrets } = write(tape)
    const random = Random.of(input)
    const whole = masked([stream])
    const chunks = cut(stream, random)
    const inPieces = masked(chunks)
    must(
      whole.equals(inPieces),
      () =>
        `a cutting changed ${show(stream)}:\n${show(whole)}\n${show(inPieces)}\n${chunks.map(({ length }) => length).join(' ')}`,
    )
    const plain = whole.toString('latin1').replaceAll(silent, '')
    for (const secret of secrets) must(!plain.includes(secret), () => `${secret} is shown in ${show(whole)}`)
    // Flushed wherever it is cut: less may be found, and still no byte of an escape is lost, and none comes that was not there.
    const flushed = masked(chunks, () => random.below(2) === 0)
    must(
      escapesOf(flushed).equals(escapesOf(stream)),
      () => `escapes were lost: ${show(stream)} became ${show(flushed)}`,
    )
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function masked(chunks: readonly Buffer[], isLate = (): boolean => false): Buffer {
  const mask = new OutputMask({ masking, key: Buffer.alloc(32, 3), maskedTags: () => tags })
  const out: Buffer[] = []
  for (const chunk of chunks) {
    out.push(Buffer.from(mask.push(chunk, 0)))
    if (isLate()) out.push(Buffer.from(mask.flush()))
  }
  out.push(mask.flush())
  return Buffer.concat(out)
}

// oxlint-disable-next-line no-control-regex -- escapes are what it is about
const silent = /\u001b\[1m|\u001b\[K|\u001b\(B|\0|\u000f/g

const show = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1'))

/** How many escapes there are: none of them is a part of a value. */
const escapesOf = (bytes: Buffer): Buffer => Buffer.from(bytes.filter((byte) => byte === 0x1b))

interface Written {
  readonly stream: Buffer
  readonly secrets: readonly string[]
}

function write(choices: Choices): Written {
  const secrets: string[] = []
  const parts: Buffer[] = []
  for (let left = 1 + choices.below(10); left > 0; left--) {
    const kind = choices.below(8)
    if (kind < 2) {
      const secret = pick(choices, planted)
      secrets.push(secret)
      parts.push(Buffer.from(`\n${coloured(secret, choices)}\n`))
    } else if (kind === 2) parts.push(Buffer.from([choices.below(256), choices.below(256)]))
    else parts.push(Buffer.from(pick(choices, noise)))
  }
  return { stream: Buffer.concat(parts), secrets }
}

/** With escapes inside that neither print nor move. */
function coloured(secret: string, choices: Choices): string {
  if (choices.below(2) === 0) return secret
  const at = choices.below(secret.length)
  return (
    secret.slice(0, at) +
    pick(choices, ['\u001b[1m', '\u001b[K', '\u001b(B', '\0', '\u000f']) +
    secret.slice(at)
  )
}

const planted = [
  'me.too@example.com', '4111 1111 1111 1111', '5555-5555-5555-4444', 'GB82WEST12345698765432', '078-05-1120', '(555) 234-5678',
  '+49 30 901820', 'AKIAIOSFODNN7EXAMPLE', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
] as const // prettier-ignore

const noise = [
  '$ ', 'word', 'ls -l\r\n', '\u001b[1m', '\u001b[2J', '\u001b[5;1H', '\u001b]0;', '\u0007', '\u001b\\', '\u001b', '\u001b[', '\u001bP',
  '\u001b(', '1', '4111', '4111 ', '+49 ', '-', '.', '@', 'x@y', 'a.b.', 'DE89', 'é', '日本', '\u009b', 'ghp_', 'eyJ', 'AKIA', ' ', '\r', '\b',
  '-----BEGIN PRIVATE KEY-----', '-----BEGIN ', '-----END PRIVATE KEY-----', '\r\n', '\n', 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ',
] as const // prettier-ignore

import { Fault } from '@sallyport/core'
import { encodeSaslInitial } from '../../../packages/postgres/src/codec/frontend.ts'
import {
  checkAcknowledged,
  decodeSaslInitial,
  decodeSaslResponse,
  maxSaslBytes,
  readBearer,
} from '../../../packages/postgres/src/codec/oauthbearer.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: a client's first SASL message, with the frame around it or, behind a mark, without. */
export const target: Target = {
  name: 'oauthbearer',
  promise:
    'a client’s SASL messages are read as PostgreSQL reads them or refused, and no fault repeats what was in one',
  unit: 'messages',
  units: { long: 2_000_000, short: 3_000 },
  guide: /packages\/postgres\/src\/codec\/oauthbearer/,
  maxBytes: 4 * 1024,
  slowMs: 200,
  open: () => Promise.resolve(subject),
}

const secret = 's3cr3t'
const said = [
  'n,,\x01auth=Bearer s3cr3t\x01\x01',
  'n,,\x01auth=\x01\x01',
  'y,,\x01host=db\x01port=5432\x01auth=bearer  s3cr3t==\x01\x01',
  'p=tls-unique,,\x01auth=Bearer s3cr3t\x01\x01',
  'n,a=s3cr3t,\x01auth=Bearer x\x01\x01',
  'n,,\x01auth=Bearer s3cr3t\x01auth=Bearer s3cr3t\x01\x01',
  'n,,\x01auth=Basic s3cr3t\x01\x01',
  '\x01',
]

const subject: Subject = {
  seeds: said.flatMap((text) => [
    Buffer.concat([Buffer.of(0), Buffer.from(text)]),
    Buffer.concat([Buffer.of(1), encodeSaslInitial('OAUTHBEARER', text)]),
  ]),
  words: ['n,,', 'y,,', 'p,,', 'a=x', ',', '\x01', '\x01\x01', 'auth=', 'Bearer ', 'bEARER', 's3cr3t', '=', ' ', '\t', '\0', 'host=x\x01', 'OAUTHBEARER\0'].map((text) => Buffer.from(text)), // prettier-ignore
  run(input) {
    const rest = input.subarray(1)
    if (((input[0] ?? 0) & 1) === 0) check(rest)
    else if (rest.length >= 5) checkFrame(rest)
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function checkFrame(frame: Buffer): void {
  const message = orFault(() => decodeSaslInitial(frame))
  if (message instanceof Fault || message === undefined) return
  must(message.length <= maxSaslBytes, () => 'more was read than may be')
  check(message)
  const later = orFault(() => decodeSaslResponse(frame))
  must(!(later instanceof Fault), () => 'what may be a first message is too large for a later one')
}

function check(message: Buffer): void {
  const ours = orFault(() => readBearer(message))
  const theirs = asPostgres(message.toString('latin1'))
  const shown = (it: unknown): string =>
    it instanceof Fault ? 'refused' : (JSON.stringify(it) ?? 'discovery')
  must(shown(ours) === theirs, () => `read as ${shown(ours)}, and by PostgreSQL as ${theirs}`)
  const acknowledged = orFault(() => checkAcknowledged(message))
  must(
    acknowledged instanceof Fault === !message.equals(Buffer.of(1)),
    () => 'acknowledged by something else',
  )
}

function orFault<T>(read: () => T): T | Fault {
  try {
    return read()
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    must(thrown.code.startsWith('client/'), () => `${thrown.code} for what a client sent`)
    must(!thrown.shown.includes(secret), () => 'a fault repeats what was in the message')
    return thrown
  }
}

/** Character by character, as auth-oauth.c of PostgreSQL 18 walks. */
function asPostgres(text: string): string {
  let at = 0
  const is = (expected: string): boolean => text[at++] === expected
  if (text.includes('\0') || !(is('n') || text[0] === 'y') || !is(',') || !is(',') || !is('\x01'))
    return 'refused'
  let auth: string | undefined
  for (;;) {
    const end = text.indexOf('\x01', at)
    if (end === -1) return 'refused'
    if (end === at) break
    const pair = text.slice(at, end)
    const equals = pair.indexOf('=')
    const key = pair.slice(0, Math.max(0, equals))
    const value = pair.slice(equals + 1)
    const isKey = key !== '' && Array.from(key).every((one) => /[a-z]/i.test(one))
    if (!isKey || !Array.from(value).every((one) => (one > ' ' && one <= '~') || ' \t\r\n'.includes(one)))
      return 'refused'
    if (key === 'auth') {
      if (auth !== undefined) return 'refused'
      auth = value
    }
    at = end + 1
  }
  if (auth === undefined || at + 1 !== text.length) return 'refused'
  if (auth === '') return 'discovery'
  if (auth.slice(0, 7).toLowerCase() !== 'bearer ') return '""'
  const token = auth.slice(7).replace(/^ */, '')
  const body = token.replace(/=*$/, '')
  // Signs of equality alone pass there, and are no token here or there.
  return body !== '' && Array.from(body).every((one) => /[\w\-.~+/]/.test(one)) ? JSON.stringify(token) : '""'
}

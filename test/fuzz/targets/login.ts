import { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { Fault, Secret } from '@sallyport/core'
import { arrive, ArrivalFault, refuseBearer } from '../../../packages/postgres/src/login/downstream.ts'
import { ScramKeyring } from '../../../packages/postgres/src/login/scram-keys.ts'
import { saltPassword } from '../../../packages/postgres/src/login/scram.ts'
import { logIn } from '../../../packages/postgres/src/login/upstream.ts'
import { testCertificate } from '../../../packages/postgres/src/testing/certificate.ts'
import {
  cancelRequest,
  cstring,
  int32,
  message,
  password,
  sslRequest,
  startup,
} from '../../world/raw-messages.ts'
import { pick, Random } from '../random.ts'
import { Broken, must, type Subject, type Target } from '../target.ts'
import { cut } from './postgres/dialogue.ts'
import { ready, serverWords } from './postgres/words.ts'

/** An input: 0 to 3 for who is hostile (a client, far or near, or a target, known by TLS or not), then all that it says. */
export const target: Target = {
  name: 'login',
  promise:
    'a hostile opening or target ends the log-in with a fault that blames it, and no password leaves in clear',
  unit: 'inputs',
  units: { long: 200_000, short: 400 },
  guide: /packages\/(postgres\/src\/(login|codec)|wire\/src)\//,
  maxBytes: 12 * 1024,
  slowMs: 1_500,
  open: () => Promise.resolve(subject),
}

const secret = 'the password of the account'
const hello = (parameters: Readonly<Record<string, string>>): Buffer =>
  startup({ user: 'orders-db', database: 'shop', ...parameters })
const bearer = (text: string): Buffer =>
  message('p', cstring('OAUTHBEARER'), int32(text.length), Buffer.from(text))
const openings = [
  hello({}),
  hello({ options: '-c search_path=x --geqo=off', application_name: 'psql' }),
  hello({ user: 'orders-db+app', client_encoding: "'utf-8'" }),
  hello({ replication: 'database' }),
  hello({ options: '-csallyport.auth=oauth' }),
  message('p', cstring('OAUTHBEARER'), int32(-1)),
  bearer('n,,\x01auth=\x01\x01'),
  bearer('n,,\x01auth=Bearer sp_token\x01\x01'),
  message('p', Buffer.of(1)),
  hello({ '_pq_.x': '1' }),
  sslRequest(),
  Buffer.concat([int32(8), int32(80_877_104)]),
  cancelRequest(Buffer.alloc(12, 1)),
  password(cstring('sp_token')),
  Buffer.from('160301020001000100', 'hex'),
  Buffer.from('GET / HTTP/1.1\r\n\r\n'),
]
const greetings = [
  message('R', int32(0)),
  message('R', int32(3)),
  message('R', int32(5), Buffer.alloc(4, 7)),
  message('R', int32(10), cstring('SCRAM-SHA-256'), cstring('SCRAM-SHA-256-PLUS'), Buffer.of(0)),
  message('R', int32(11), Buffer.from('r=x,s=AA==,i=4096')),
  message('R', int32(12), Buffer.from('v=AA==')),
  message('S', cstring('server_version'), cstring('18')),
  message('K', int32(1), int32(2)),
  ready('I'),
  Buffer.from('S'),
  Buffer.from('N'),
]

const subject: Subject = {
  seeds: [
    ...openings.flatMap((opening) => [0, 1].map((who) => Buffer.concat([Buffer.of(who), opening]))),
    Buffer.concat([Buffer.of(1), hello({}), password(cstring('sp_token'))]),
    ...greetings.map((greeting) => Buffer.concat([Buffer.of(2), greeting])),
    Buffer.concat([Buffer.of(2), greetings[0]!, greetings[6]!, greetings[7]!, greetings[8]!]),
    Buffer.concat([Buffer.of(3), Buffer.from('S'), Buffer.from('160303', 'hex')]),
  ],
  words: [...openings, ...greetings, ...serverWords],
  invent(random) {
    const who = random.below(4)
    const words = who < 2 ? openings : greetings
    return Buffer.concat([
      Buffer.of(who),
      ...Array.from({ length: 1 + random.below(5) }, () => pick(random, words)),
    ])
  },
  async run(input) {
    const who = (input[0] ?? 0) & 3
    const wire = new Wire(cut(input.subarray(1), Random.of(input)))
    const impatience = new AbortController()
    const over = new AbortController()
    // All was said, and it still waits: the time that a log-in may take is up.
    const watch = wire.said
      .then(() => setTimeout(patienceMs, undefined, over))
      .then(
        () => impatience.abort(new Fault('client/too-slow', 'too slow')),
        () => undefined,
      )
    if (who < 2) await checkClient(wire, who === 1, impatience.signal)
    else await checkTarget(wire, who === 3, impatience.signal)
    over.abort()
    await watch
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

const context = createSecureContext(testCertificate)
const keyring = new ScramKeyring(saltPassword)
/** For a handshake's crypto, which runs elsewhere. */
const patienceMs = 3

async function checkClient(wire: Wire, loopback: boolean, signal: AbortSignal): Promise<void> {
  try {
    const arrival = await arrive({ stream: wire, address: '10.0.0.9:1', loopback, tls: context }, signal)
    if (arrival.kind !== 'cancel')
      must(loopback || arrival.stream !== wire, () => 'a credential was taken outside TLS')
    if (arrival.kind === 'discovery') await refuseBearer(arrival.stream, undefined, signal)
  } catch (thrown) {
    const fault = thrown instanceof ArrivalFault ? thrown.fault : thrown
    if (!(fault instanceof Fault)) throw fault
    must(fault.code.startsWith('client/'), () => `${fault.code} for what a client sent`)
  } finally {
    wire.destroy()
  }
}

async function checkTarget(wire: Wire, isVerified: boolean, signal: AbortSignal): Promise<void> {
  const tls = isVerified
    ? ({ mode: 'verify-full', ca: testCertificate.cert } as const)
    : ({ mode: 'disable' } as const)
  try {
    const { parameters } = await logIn(
      wire,
      {
        target: { host: 'localhost', tls },
        credential: { user: 'app', password: new Secret(secret) },
        parameters: {},
        keyring,
      },
      signal,
    )
    must(parameters instanceof Map, () => 'logged in without parameters')
    must(!isVerified, () => 'logged in without TLS')
  } catch (thrown) {
    if (thrown instanceof Broken || !(thrown instanceof Fault)) throw thrown
    must(thrown.code.startsWith('target/') || signal.aborted, () => `${thrown.code} for what a target sent`)
    must(!thrown.shown.includes(secret), () => 'a fault shows the password')
  } finally {
    wire.destroy()
  }
  must(!wire.heard.includes(secret), () => 'the password left in clear')
}

/** A peer that says what it has to say, piece by piece, and then hangs up. */
class Wire extends Duplex {
  readonly #pieces: Buffer[]
  readonly #heard: Buffer[] = []
  readonly #said = Promise.withResolvers<void>()

  constructor(pieces: readonly Buffer[]) {
    super()
    this.#pieces = [...pieces]
    this.on('error', () => {})
  }

  /** Resolves when it has hung up, or was hung up on. */
  get said(): Promise<void> {
    return this.#said.promise
  }

  get heard(): Buffer {
    return Buffer.concat(this.#heard)
  }

  override _read(): void {
    const piece = this.#pieces.shift()
    if (piece === undefined) this.#said.resolve()
    this.push(piece ?? null)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#said.resolve()
    done(error)
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#heard.push(chunk)
    done()
  }
}

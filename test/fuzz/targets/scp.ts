import { Fault, mintPermit, refusal, type OperationId, type Passage } from '@sallyport/core'
import { ScpConversation } from '../../../packages/ssh/src/scp/conversation.ts'
import { Places } from '../../../packages/ssh/src/scp/places.ts'
import { pick, Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut } from './postgres/dialogue.ts'

/** An input: in its first byte who sends and what is not taken, then all that the sending side says. */
export const target: Target = {
  name: 'scp',
  promise:
    'a target that takes files as scp does makes none that was not permitted, whatever the client sends ahead; and bytes mean the same in any cutting',
  unit: 'inputs',
  units: { long: 1_000_000, short: 5_000 },
  guide: /packages\/ssh\/src\/(scp|transfer)\//,
  maxBytes: 2048,
  slowMs: 200,
  open: () => Promise.resolve(subject),
}

const words = [
  'C0644 5 a\n',
  'C0644 18 b\n',
  'C0644 9 forbidden\n',
  'C0644 0 c d\n',
  'D0755 0 d\n',
  'D0755 0 forbidden\n',
  'E\n',
  'T1 0 2 0\n',
  'hello\0',
  '\0',
  '\x01error\n',
  '\x02fatal\n',
  'C0644 5 ../x\n',
].map((word) => Buffer.from(word))

const subject: Subject = {
  seeds: words.map((word) => Buffer.concat([Buffer.of(0), word])),
  words,
  invent: (random) =>
    Buffer.concat([
      Buffer.of(random.below(256)),
      ...Array.from({ length: 1 + random.below(12) }, () => pick(random, words)),
    ]),
  run(input) {
    const isUpload = (input[0]! & 1) === 0
    const sent = input.subarray(1)
    const whole = run(isUpload, input[0]! >> 1, [sent])
    const again = run(isUpload, input[0]! >> 1, cut(sent, Random.of(input)))
    must(again.said === whole.said, () => `said ${whole.said}, and where bytes are cut ${again.said}`)
    for (const name of whole.made) {
      must(!name.includes('/') && name !== '..', () => `made ${name}`)
      must(!isUpload || whole.permitted.has(name), () => `made ${name}, which was not permitted`)
    }
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

interface Told {
  /** All that can be seen of it. */
  readonly said: string
  /** Names of what the taking side made. */
  readonly made: readonly string[]
  readonly permitted: ReadonlySet<string>
}

function run(isUpload: boolean, refusals: number, pieces: readonly Buffer[]): Told {
  const passages: Passage[] = []
  const permitted = new Set<string>()
  const permit = mintPermit(1 as OperationId, { maskedTags: new Set() }, 0)
  const conversation = new ScpConversation(
    {
      note: (passage) => void passages.push(passage),
      finish: () => undefined,
      refuse: (_operation, refused) => refused,
      stands: () => true,
      say: () => undefined,
    },
    new Places({
      direction: isUpload ? 'upload' : 'download',
      paths: isUpload ? ['/up/'] : ['/srv/a', 'd'],
      mustBeDirectory: false,
    }),
    permit,
  )
  const { client, server } = conversation.out
  const sink = new ModelSink(refusals)
  const heard: Buffer[] = []
  const settle = (): void => {
    for (let asked; (asked = conversation.asked) !== undefined;) {
      const isRefused = asked.text.includes('forbidden')
      const [request] = asked.requests
      if (!isRefused && request !== undefined && 'path' in request) {
        permitted.add(Buffer.from(request.path.bytes).toString('latin1').split('/').at(-1)!)
      }
      conversation.settle(isRefused ? refusal('denied', 'no') : permit)
    }
  }
  /** The taking side hears what passed, and its replies come back, until there is nothing more to say. */
  const turn = (first: string): void => {
    for (let reply = first; reply !== '';) {
      if (isUpload) conversation.server(Buffer.from(reply))
      else conversation.client(Buffer.from(reply))
      settle()
      const passed = (isUpload ? server : client).take()
      heard.push(passed)
      reply = sink.take(passed)
    }
  }
  let ending = ''
  try {
    turn('\0')
    for (const piece of pieces) {
      if (isUpload) conversation.client(piece)
      else conversation.server(piece)
      settle()
      const passed = (isUpload ? server : client).take()
      heard.push(passed)
      const reply = sink.take(passed)
      if (reply !== '') turn(reply)
    }
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    must(thrown.code.startsWith(isUpload ? 'client/' : 'target/'), () => thrown.message)
    ending = thrown.message
  }
  conversation.end()
  const passed = Buffer.concat(heard).toString('latin1')
  // What was on its way when it ended may have left or not.
  const said = ending === '' ? JSON.stringify([passed, passages, sink.made]) : ending
  return { said, made: sink.made, permitted }
}

/** Takes files as scp does: one reply to each line and to each file. Some it does not take. */
class ModelSink {
  readonly made: string[] = []
  #refusals: number
  #line = ''
  #left = 0
  #state: 'line' | 'content' | 'verdict' = 'line'

  constructor(refusals: number) {
    this.#refusals = refusals
  }

  take(bytes: Buffer): string {
    let replies = ''
    for (const letter of bytes.toString('latin1')) replies += this.#letter(letter)
    return replies
  }

  #letter(letter: string): string {
    if (this.#state === 'content') {
      if (--this.#left === 0) this.#state = 'verdict'
      return ''
    }
    if (this.#state === 'verdict' && this.#line === '' && letter === '\0') {
      this.#state = 'line'
      return '\0'
    }
    this.#line += letter
    if (letter !== '\n') return ''
    const line = this.#line
    this.#line = ''
    if (this.#state === 'verdict') {
      this.#state = 'line'
      return '\0'
    }
    if (line[0] === '\x01' || line[0] === '\x02') return ''
    if (line[0] === 'T' || line[0] === 'E') return '\0'
    this.#refusals >>= 1
    if ((this.#refusals & 1) === 1) return '\x01not taken\n'
    const [, kind, size, name] = /^([CD])\d+ (\d+) ([^]+)\n$/.exec(line) ?? []
    this.made.push(name ?? line)
    if (kind === 'C') {
      this.#left = Number(size)
      this.#state = this.#left === 0 ? 'verdict' : 'content'
    }
    return '\0'
  }
}

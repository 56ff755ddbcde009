import {
  bind,
  closePortal,
  closeStatement,
  copyData,
  copyDone,
  copyFail,
  describePortal,
  describeStatement,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from '../../world/raw-messages.ts'
import { once, pick, Tape, type Choices } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut, Dialogue } from './postgres/dialogue.ts'
import { secret, SmallServer } from './postgres/small-server.ts'

/** An input: the choices of a client, a server and the network between them, none of which breaks a rule. */
export const target: Target = {
  name: 'session',
  promise:
    'a client and a server that keep the protocol never see a fault, every operation ends once, and no masked value passes',
  unit: 'messages',
  units: { long: 5_000_000, short: 8_000 },
  guide: /packages\/(postgres\/src\/(conversation|codec|mask|names|portals|operations)|wire\/src)/,
  maxBytes: 4096,
  slowMs: 300,
  open: () => Promise.resolve(subject),
}

const subject: Subject = {
  seeds: [],
  words: [],
  invent: (random) => random.bytes(16 + random.below(600)),
  run: (input) => play(new Tape(input)),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function play(tape: Tape): number {
  const dialogue = new Dialogue()
  const server = new SmallServer(tape)
  const answers: Buffer[] = []
  let received = 0
  const deliver = (upTo: number): void => {
    const said = Buffer.concat(answers.splice(0, upTo))
    for (const piece of cut(said, tape)) dialogue.server(piece)
  }
  const serve = (): void => {
    for (; received < dialogue.toServer.length; received++)
      answers.push(...server.receive(dialogue.toServer[received]!))
  }
  const say = (bytes: Buffer): void => {
    for (const piece of cut(bytes, tape)) {
      dialogue.client(piece)
      // The network brings answers at any time, also while an operation is held.
      serve()
      if (once(tape, 4)) deliver(1 + tape.below(4))
      if (once(tape, 2)) dialogue.decide()
    }
    dialogue.decide()
  }
  while (!tape.isAtEnd) say(Buffer.concat(clientTurn(tape)))
  // A COPY that is still waited for ends, and then everything is answered.
  say(Buffer.concat([copyDone(), sync(), query('select end'), sync()]))
  while (answers.length > 0 || received < dialogue.toServer.length) {
    serve()
    deliver(answers.length)
  }
  const { fault } = dialogue
  must(fault === undefined, () => `${fault?.side}: ${fault?.code} ${fault?.shown}`)
  must(!dialogue.isBusy, () => 'an answer is owed that was given')
  const lost = dialogue.outcomes.filter((outcome) => outcome.endsWith('lost'))
  must(lost.length === 0, () => `lost: ${lost.join(', ')}`)
  dialogue.end()
  must(!dialogue.toClient.some((bytes) => bytes.includes(secret)), () => 'a masked value passed')
  return dialogue.messages
}

/** What a client may say next: some messages in a row, as a driver or psql sends them. */
function clientTurn(choices: Choices): readonly Buffer[] {
  switch (choices.below(8)) {
    case 0:
    case 1:
      return simple(text(choices), choices)
    case 2:
      return simple(Array.from({ length: 1 + choices.below(3) }, () => text(choices)).join('; '), choices)
    case 3:
      return [functionCall(pick(choices, [952, 954, 964, 1]), [])]
    default:
      return [...pipeline(choices), sync()]
  }
}

function simple(said: string, choices: Choices): readonly Buffer[] {
  return said.includes('copyin') ? [query(said), ...copied(choices)] : [query(said)]
}

function pipeline(choices: Choices): readonly Buffer[] {
  const frames: Buffer[] = []
  for (let left = 1 + choices.below(6); left > 0; left--) {
    const name = pick(choices, ['', 's', 't'])
    const portal = pick(choices, ['', 'p', 'q'])
    switch (choices.below(8)) {
      case 0:
        frames.push(parse(text(choices), { name }))
        break
      case 1:
        frames.push(bind([], { portal, statement: name }))
        break
      case 2:
        frames.push(execute({ portal, maxRows: choices.below(3) }), ...copied(choices))
        break
      case 3:
        frames.push(pick(choices, [describePortal(portal), describeStatement(name)]))
        break
      case 4:
        frames.push(pick(choices, [closePortal(portal), closeStatement(name), flush()]))
        break
      default: {
        const said = text(choices)
        frames.push(parse(said, { name }), bind([], { portal, statement: name }))
        if (once(choices, 2)) frames.push(describePortal(portal))
        frames.push(execute({ portal, maxRows: choices.below(3) }))
        if (said.includes('copyin')) frames.push(...copied(choices))
      }
    }
  }
  return frames
}

/** Sent ahead of the server's word that it copies in; it ignores it where it does not. */
function copied(choices: Choices): readonly Buffer[] {
  const rows = Array.from({ length: choices.below(3) }, () => copyData('a\n'))
  const end = [...rows, once(choices, 4) ? copyFail('why') : copyDone()]
  // Drivers send a Sync before they learn of the COPY, which the server then ignores, and another behind it.
  return once(choices, 3) ? [sync(), ...end, sync()] : end
}

const texts = [
  'select 1',
  'masked',
  'forbidden',
  'select fails',
  'masked fails',
  'syntax',
  'begin',
  'commit',
  'rollback',
  'prepare s',
  'prepare x',
  'deallocate s',
  'deallocate',
  'declare c',
  'close c',
  'path x',
  'late s',
  'calls',
  'ddl',
  'copyin',
  'copyout',
  'copyout masked',
  'forbidden copyin',
  '',
]

function text(choices: Choices): string {
  return pick(choices, texts)
}

import { mutate } from '../mutate.ts'
import { once, pick, Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { cut, Dialogue } from './postgres/dialogue.ts'
import { captureTraffic } from './postgres/traffic.ts'
import { decodeTurns, encodeTurns, type Turn } from './postgres/transcript.ts'
import { clientWords, serverWords } from './postgres/words.ts'

/** An input: a transcript. */
export const target: Target = {
  name: 'conversation',
  promise:
    'whatever either side says, it ends in a fault that blames the speaker or waits, alike for every cutting and hold',
  unit: 'messages',
  units: { long: 10_000_000, short: 8_000 },
  guide: /packages\/(postgres\/src\/(conversation|codec|mask|names|operations)|wire\/src)/,
  maxBytes: 16 * 1024,
  slowMs: 300,
  open: async ({ servers }) => subjectOf(servers ? await captureTraffic() : []),
}

function subjectOf(traffic: readonly Buffer[]): Subject {
  return {
    seeds: [...handMade, ...traffic],
    words: [...clientWords, ...serverWords],
    invent: (random) => encodeTurns(Array.from({ length: 1 + random.below(8) }, () => inventTurn(random))),
    change: changeTurn,
    run(input) {
      const turns = decodeTurns(input)
      const whole = play(turns, undefined)
      const other = play(turns, Random.of(input))
      must(
        whole.said === other.said,
        () => `a cutting changed what came of it:\n${whole.said}\n${other.said}`,
      )
      return Math.max(1, whole.messages)
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Plays a transcript; pieces and holds as `random` has it, where it is given. */
function play(turns: readonly Turn[], random: Random | undefined): { said: string; messages: number } {
  const dialogue = new Dialogue()
  for (const { side, bytes } of turns) {
    for (const piece of random === undefined ? [bytes] : cut(bytes, random)) {
      if (side === 'server') dialogue.server(piece)
      else {
        dialogue.client(piece)
        if (random === undefined || once(random, 2)) dialogue.decide()
      }
    }
    dialogue.decide()
  }
  const { fault } = dialogue
  if (fault !== undefined) {
    // A row that is too large to be masked is our limit, which clients are told.
    const blames = fault.side === 'client' ? ['client/'] : ['target/', 'client/unsupported']
    must(
      blames.some((blame) => fault.code.startsWith(blame)),
      () => `${fault.code} for what the ${fault.side} sent: ${fault.shown}`,
    )
  }
  dialogue.end()
  const up = Buffer.concat(dialogue.toServer)
  const down = Buffer.concat(dialogue.toClient)
  const said = [
    up.toString('hex'),
    down.toString('hex'),
    ...dialogue.asked,
    ...dialogue.outcomes,
    fault?.code,
    fault?.shown,
  ]
  return { said: said.join('\n'), messages: dialogue.messages }
}

function inventTurn(random: Random): Turn {
  const side = pick(random, ['client', 'server'] as const)
  const words = side === 'client' ? clientWords : serverWords
  return {
    side,
    bytes: Buffer.concat(Array.from({ length: 1 + random.below(6) }, () => pick(random, words))),
  }
}

function changeTurn(input: Buffer, other: Buffer, random: Random): Buffer {
  const turns = [...decodeTurns(input)]
  const at = random.below(turns.length + 1)
  const turn = turns[at]
  switch (random.below(5)) {
    case 0:
      turns.splice(at, 1)
      break
    case 1:
      turns.splice(at, 0, inventTurn(random))
      break
    case 2:
      turns.splice(at, 0, pick(random, [...decodeTurns(other), inventTurn(random)]))
      break
    case 3:
      if (turn !== undefined)
        turns[at] = { ...turn, bytes: Buffer.concat([turn.bytes, inventTurn(random).bytes]) }
      break
    default: {
      if (turn === undefined) break
      const words = turn.side === 'client' ? clientWords : serverWords
      turns[at] = { ...turn, bytes: mutate(turn.bytes, inventTurn(random).bytes, words, random) }
    }
  }
  return encodeTurns(turns)
}

/** Each word alone. */
const handMade: readonly Buffer[] = [
  ...clientWords.map((bytes) => encodeTurns([{ side: 'client', bytes }])),
  ...serverWords.map((bytes) =>
    encodeTurns([
      { side: 'client', bytes: clientWords[0]! },
      { side: 'server', bytes },
    ]),
  ),
]

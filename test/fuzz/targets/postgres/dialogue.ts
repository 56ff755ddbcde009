import { Fault, mintPermit, refusal, type Authorization, type OperationId } from '@sallyport/core'
import { Frames, Outbox, type Verdict } from '@sallyport/wire'
import { ClientEncoding } from '../../../../packages/postgres/src/client-encoding.ts'
import { PostgresConversation } from '../../../../packages/postgres/src/conversation/conversation.ts'
import { emptyText } from '../../../../packages/postgres/src/facts/empty.ts'
import { frameLength } from '../../../../packages/postgres/src/codec/tags.ts'
import { PlannedCopyMask } from '../../../../packages/postgres/src/mask/copy.ts'
import { PlannedRowMask } from '../../../../packages/postgres/src/mask/row.ts'
import { Names } from '../../../../packages/postgres/src/names.ts'
import type {
  Cursor,
  Effect,
  JudgedStatement,
  PostgresOperation,
  Prepared,
} from '../../../../packages/postgres/src/operations.ts'
import { Portals } from '../../../../packages/postgres/src/portals.ts'
import { SearchPath } from '../../../../packages/postgres/src/search-path.ts'
import type { Choices } from '../../random.ts'
import { must } from '../../target.ts'
import { marker } from './words.ts'

/** What a masked value becomes here. */
const hidden = Buffer.from('****')
const masked: ReadonlySet<string> = new Set(['tag'])
const nothing: ReadonlySet<string> = new Set()

/**
 * One conversation with a gate that decides by an operation's words: `forbidden` is refused, `masked` has its rows masked, so has
 * `loread` by message (where `lo_unlink` and what has no name are refused), and
 * `prepare`, `declare`, `path` and their like have the effects that the judge would tell.
 */
export class Dialogue {
  readonly toServer: Buffer[] = []
  readonly toClient: Buffer[] = []
  readonly asked: string[] = []
  /** What ended it, and who had spoken. */
  fault: { readonly code: string; readonly shown: string; readonly side: 'client' | 'server' } | undefined
  readonly outcomes: string[] = []
  readonly #permitted = new Set<OperationId>()
  readonly #statements = new Names<Prepared>()
  readonly #portals = new Portals()
  readonly #out = { client: new Outbox(), server: new Outbox() }
  readonly #conversation: Counted
  readonly #fromClient: Frames<PostgresOperation>
  readonly #fromServer: Frames<PostgresOperation>
  #held: PostgresOperation | undefined

  constructor() {
    this.#conversation = new Counted({
      marker,
      sessionId: 'ses_fuzz',
      masks: {
        rows: (fields, _outputs, tags) =>
          tags.size === 0
            ? undefined
            : new PlannedRowMask(fields.map(({ name }) => ({ name, cell: () => hidden }))),
        copy: (_copy, { format, columns }, tags) =>
          tags.size === 0
            ? undefined
            : new PlannedCopyMask(
                { ...plainCopy, format: format === 1 ? 'binary' : 'text' },
                Array.from({ length: columns }, (_, i) => `c${i}`),
                Array.from({ length: columns }, () => () => hidden),
              ),
      },
      diagnostics: () => 'clear',
      statements: this.#statements,
      portals: this.#portals,
      searchPath: new SearchPath('app', 'public'),
      encoding: new ClientEncoding('UTF8', 'UTF8'),
      stands: () => true,
      finish: (permit, { status }) => {
        must(
          this.#permitted.delete(permit.id),
          () => `operation ${permit.id} finished twice, or was never permitted`,
        )
        this.outcomes.push(`${permit.id} ${status}`)
      },
      setting: () => undefined,
      catalogChanged: () => undefined,
    })
    this.#fromClient = new Frames('client', this.#conversation, this.#out)
    this.#fromServer = new Frames('server', this.#conversation, this.#out)
  }

  /** Frames that were judged. */
  get messages(): number {
    return this.#conversation.messages
  }

  get isBusy(): boolean {
    return this.#conversation.isBusy
  }

  /** Bytes of a client, as they came; an operation that is asked about is held until {@link decide}. */
  client(bytes: Buffer): void {
    this.#take('client', () => {
      const asked = this.#fromClient.push(bytes)
      if (asked !== undefined) this.#held = asked
    })
  }

  /** Decides on all that is held. */
  decide(): void {
    this.#take('client', () => {
      for (let asked = this.#held; asked !== undefined; asked = this.#held) {
        this.#held = undefined
        this.asked.push(asked.text)
        const authorization = this.#authorize(asked)
        this.#held = this.#fromClient.release(this.#conversation.settle(asked, authorization, this.#out))
      }
    })
  }

  server(bytes: Buffer): void {
    this.#take('server', () => {
      this.#fromServer.push(bytes)
      const asked = this.#fromClient.catchUp()
      if (asked !== undefined) this.#held = asked
      must(
        this.#fromServer.waitingBytes <= bytes.length + waitsAtMost,
        () => `${this.#fromServer.waitingBytes} bytes wait`,
      )
    })
  }

  /** The session ends: every permitted operation has ended then, once. */
  end(): void {
    this.#conversation.abandon()
    must(this.#permitted.size === 0, () => `operations ${[...this.#permitted].join(', ')} never finished`)
    const words = this.#conversation.farewell(new Fault('gateway/internal', 'the end'))
    checkFrames('server', words.client)
    checkFrames('client', words.server)
    checkFrames('client', Buffer.concat(this.toServer))
    checkFrames('server', Buffer.concat(this.toClient))
    checkQueries(Buffer.concat(this.toServer))
  }

  #authorize(asked: PostgresOperation): Authorization {
    const id = this.asked.length as OperationId
    if (asked.text.includes('forbidden') || isRefusedCall(asked)) return refusal('denied', 'no')
    asked.judgement = {
      facts: [],
      statements: asked.text.split(';').map((text) => this.#judged(text.trim())),
    }
    this.#permitted.add(id)
    return mintPermit(id, { maskedTags: /masked|loread/.test(asked.text) ? masked : nothing }, 0)
  }

  #judged(text: string): JudgedStatement {
    const copy = text.includes('copyin')
      ? ({ ...plainCopy, direction: 'in', format: 'text' } as const)
      : undefined
    const judged = { outputs: 'unknown', copy, effects: effectsOf(text) } as const
    if (!text.startsWith('late')) return judged
    const name = text.split(' ')[1] ?? ''
    const candidates = this.#statements.candidates(name)
    return {
      ...judged,
      late: { searchPath: ['public'], names: [{ kind: 'statement', name, judged: candidates }] },
    }
  }

  #take(side: 'client' | 'server', act: () => void): void {
    if (this.fault !== undefined) return
    try {
      act()
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown
      this.fault = { code: thrown.code, shown: thrown.shown, side }
    }
    if (!this.#out.server.isEmpty) this.toServer.push(this.#out.server.take())
    if (!this.#out.client.isEmpty) this.toClient.push(this.#out.client.take())
  }
}

function effectsOf(text: string): readonly Effect[] {
  const [verb, name = ''] = text.split(' ')
  const prepared: Prepared = { text: `select ${name}`, typeIds: [] }
  switch (verb) {
    case 'prepare':
      return [{ kind: 'prepare', name, prepared }]
    case 'declare':
      return [{ kind: 'declare', name, cursor: cursorOf(text) }]
    case 'calls':
      return [{ kind: 'opaque' }]
    case 'commit':
    case 'rollback':
      return [{ kind: 'transaction-end', isRollback: verb === 'rollback' }]
    case 'deallocate':
      return [name === '' ? { kind: 'deallocate' } : { kind: 'deallocate', name }]
    case 'close':
      return [name === '' ? { kind: 'close-cursor' } : { kind: 'close-cursor', name }]
    case 'discard':
      return [{ kind: 'discard-all' }]
    case 'path':
      return [{ kind: 'search-path', value: name, isLocal: false }]
    case 'ddl':
      return [{ kind: 'ddl' }]
    default:
      return []
  }
}

function cursorOf(text: string): Cursor {
  const statement = { kind: 'select', outputs: 'unknown', tags: [], effects: [] } as const
  return { kind: 'cursor', text, inner: { facts: emptyText[0]!, statement }, isHoldable: false, era: 0 }
}

function isRefusedCall(asked: PostgresOperation): boolean {
  return asked.kind === 'function' && (asked.callee === undefined || asked.callee.name === 'lo_unlink')
}

const mayBeCalled: ReadonlySet<number> = new Set([
  715, 764, 765, 767, 952, 953, 954, 955, 956, 957, 958, 1004, 3170, 3171, 3172, 3457, 3458, 3459, 3460,
])

class Counted extends PostgresConversation {
  messages = 0

  override client(...frame: Parameters<PostgresConversation['client']>): Verdict | PostgresOperation {
    this.messages++
    return super.client(...frame)
  }

  override server(...frame: Parameters<PostgresConversation['server']>): Verdict {
    this.messages++
    return super.server(...frame)
  }
}

/** Beyond what was just pushed: a message that is judged whole may be of any size that its kind may have. */
const waitsAtMost = 64 * 1024 * 1024

const plainCopy = {
  direction: 'out',
  delimiter: '\t',
  nullText: '\\N',
  quote: '"',
  escape: '"',
  hasHeader: false,
  forceQuote: [],
  outputs: 'unknown',
} as const

/** Whole frames of that side, one behind the other; only the last may still be under way. */
function checkFrames(side: 'client' | 'server', bytes: Buffer): number {
  let frames = 0
  for (let at = 0; at < bytes.length; frames++) {
    must(bytes.length - at >= 5, () => `a cut head at ${at} of ${bytes.length}`)
    at += frameLength(side, bytes, at)
  }
  return frames
}

/** No query reaches the server that was not asked about and permitted. */
function checkQueries(toServer: Buffer): void {
  for (let at = 0; at < toServer.length; at += frameLength('client', toServer, at)) {
    const letter = String.fromCharCode(toServer[at]!)
    const text = toServer.subarray(at + 5, at + frameLength('client', toServer, at) - 1).toString()
    if (letter === 'Q') must(!text.includes('forbidden'), () => `a refused query passed: ${text}`)
    if (letter === 'F') {
      const oid = toServer.readUInt32BE(at + 5)
      must(oid === 0 || mayBeCalled.has(oid), () => `a refused function call passed: ${oid}`)
    }
    must(letter !== 'p', () => 'a password message passed')
  }
}

/** The same bytes in pieces, as networks cut them: whole, byte by byte, in the head, or anywhere. */
export function cut(bytes: Buffer, choices: Choices): readonly Buffer[] {
  const how = choices.below(4)
  if (how === 0 || bytes.length < 2) return [bytes]
  const longest = how === 1 ? 1 : how === 2 ? 6 : Math.max(2, bytes.length)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const to = at + 1 + choices.below(longest)
    pieces.push(bytes.subarray(at, to))
    at = to
  }
  return pieces
}

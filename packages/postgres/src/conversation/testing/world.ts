import { mintPermit, refusal, type Authorization, type OperationId, type Outcome } from '@sallyport/core'
import { Frames, Outbox, Writer } from '@sallyport/wire'
import { encodeErrorFields } from '../../codec/backend.ts'
import { PlannedRowMask } from '../../mask/row.ts'
import { Names } from '../../names.ts'
import { ClientEncoding } from '../../client-encoding.ts'
import type { PostgresOperation, Prepared } from '../../operations.ts'
import { Portals } from '../../portals.ts'
import { SearchPath } from '../../search-path.ts'
import { PostgresConversation } from '../conversation.ts'

export const marker = 'sallyport_refused_test'

export function message(letter: string, ...parts: (Buffer | string | number)[]): Buffer {
  const writer = new Writer().uint8(letter.charCodeAt(0)).int32(0)
  for (const part of parts) {
    if (typeof part === 'number') writer.int16(part)
    else if (typeof part === 'string') writer.cstring(part)
    else writer.bytes(part)
  }
  return writer.int32At(1, writer.length - 1).done()
}

export const parse = (name: string, text: string): Buffer => message('P', name, text, 0)
export const sync = message('S')
export const ready = (status: string): Buffer => message('Z', Buffer.from(status))
export const done = (tag: string): Buffer => message('C', tag)
export const failed = (code: string, text = 'no'): Buffer =>
  encodeErrorFields(
    'error',
    new Map([
      ['S', 'ERROR'],
      ['V', 'ERROR'],
      ['C', code],
      ['M', text],
    ]),
  )

/** A conversation whose operations are decided by their text, at once. */
export class World {
  readonly out = { client: new Outbox(), server: new Outbox() }
  readonly outcomes: Outcome[] = []
  readonly asked: string[] = []
  readonly statements = new Names<Prepared>()
  readonly conversation: PostgresConversation
  readonly #fromClient: Frames<PostgresOperation>
  readonly #fromServer: Frames<PostgresOperation>

  constructor() {
    this.conversation = new PostgresConversation({
      marker,
      sessionId: 'ses_test',
      masks: {
        rows: (fields, _, masked) =>
          masked.size === 0
            ? undefined
            : new PlannedRowMask(fields.map(({ name }) => ({ name, cell: () => Buffer.from('****') }))),
        copy: () => undefined,
      },
      diagnostics: () => 'clear',
      statements: this.statements,
      portals: new Portals(),
      searchPath: new SearchPath('app', 'public'),
      encoding: new ClientEncoding('UTF8', 'UTF8'),
      stands: () => true,
      finish: (_permit, outcome) => this.outcomes.push(outcome),
      setting: () => undefined,
      catalogChanged: () => undefined,
    })
    this.#fromClient = new Frames('client', this.conversation, this.out)
    this.#fromServer = new Frames('server', this.conversation, this.out)
  }

  /** Whether what the client said waits for answers. */
  get isAhead(): boolean {
    return this.#fromClient.isAhead
  }

  client(bytes: Buffer): Buffer {
    this.#ask(this.#fromClient.push(bytes))
    return this.out.server.take()
  }

  #ask(first: PostgresOperation | undefined): void {
    let asked = first
    while (asked !== undefined) {
      this.asked.push(asked.text)
      asked = this.#fromClient.release(
        this.conversation.settle(asked, decide(asked.text, this.asked.length), this.out),
      )
    }
  }

  /** @returns what the client hears; what was waiting for it leaves before what the client says next */
  server(bytes: Buffer): Buffer {
    this.#fromServer.push(bytes)
    this.#ask(this.#fromClient.catchUp())
    return this.out.client.take()
  }
}

function decide(text: string, id: number): Authorization {
  return /forbidden|lo_unlink|OID/.test(text)
    ? refusal('denied', 'no')
    : mintPermit(id as OperationId, { maskedTags: new Set(text.includes('loread') ? ['tag'] : []) }, 0)
}

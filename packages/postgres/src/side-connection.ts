import type { Duplex } from 'node:stream'
import { Fault, type Parameter } from '@sallyport/core'
import { Cursor, readExactly } from '@sallyport/wire'
import { decodeErrorFields } from './codec/backend.ts'
import { encodeBind, encodeExecute, encodeParse, encodeQuery, sync, terminate } from './codec/frontend.ts'
import { frameLength, headBytes, tag } from './codec/tags.ts'

/** One statement, with what a client bound to it. */
export interface Question {
  readonly text: string
  readonly typeIds: readonly number[]
  readonly parameters: readonly Parameter[]
}

/** What the target said. Its message may quote data: for nobody to see. */
export class AnswerError extends Fault {
  /** SQLSTATE. */
  readonly state: string

  constructor(fields: ReadonlyMap<string, string>) {
    super('target/malformed', "the target refused the gateway's question about its catalogue", {
      cause: new Error(fields.get('M')),
    })
    this.state = /^[0-9A-Z]{5}$/.exec(fields.get('C') ?? '')?.[0] ?? 'XX000'
  }
}

const gone = 'target/closed'

/**
 * The gateway's own questions to a target, on a connection beside the client's and under the same account: nothing is
 * ever injected into a client's transaction. Text results.
 */
export class SideConnection {
  readonly #stream: Duplex
  readonly #signal: AbortSignal

  /** @param stream on which the target awaits a query */
  constructor(stream: Duplex, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
  }

  /** Rows of text values. @throws Fault target/malformed where the target refuses the question */
  async query(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    this.#stream.write(encodeQuery(sql))
    return this.#rows()
  }

  /** The same by the extended protocol, which takes one statement and no more. */
  async ask({ text, typeIds, parameters }: Question): Promise<readonly (readonly (string | null)[])[]> {
    this.#stream.write(
      Buffer.concat([encodeParse(text, typeIds), encodeBind(parameters), encodeExecute('', 0), sync]),
    )
    return this.#rows()
  }

  async #rows(): Promise<readonly (readonly (string | null)[])[]> {
    const rows: (string | null)[][] = []
    let failed: Fault | undefined
    let at = 0
    let bytes = await this.#atLeast(headBytes)
    // A catalogue has thousands of rows: whatever has arrived is read at once.
    for (;;) {
      const missing = missingOf(bytes, at)
      if (missing > 0) {
        bytes = Buffer.concat([bytes.subarray(at), await this.#atLeast(missing)])
        at = 0
        continue
      }
      const end = at + frameLength('server', bytes, at)
      switch (bytes[at]) {
        case tag.dataRow:
          rows.push(decodeRow(bytes, at, end))
          break
        case tag.error:
          failed = new AnswerError(decodeErrorFields(bytes, at, end))
          break
        case tag.ready:
          if (failed !== undefined) throw failed
          return rows
        default:
      }
      at = end
    }
  }

  end(): void {
    this.#stream.write(terminate)
    this.#stream.end()
    this.#stream.destroy()
  }

  /** So many bytes, and what else is here already. */
  async #atLeast(sizeBytes: number): Promise<Buffer> {
    const wanted = await readExactly(this.#stream, sizeBytes, gone, this.#signal)
    const more: unknown = this.#stream.read()
    return Buffer.isBuffer(more) ? Buffer.concat([wanted, more]) : wanted
  }
}

/** How many bytes the frame at `at` still needs, as far as can be told. */
function missingOf(bytes: Buffer, at: number): number {
  const here = bytes.length - at
  return here < headBytes ? headBytes - here : Math.max(0, frameLength('server', bytes, at) - here)
}

function decodeRow(bytes: Buffer, from: number, to: number): (string | null)[] {
  const cursor = new Cursor(bytes, from + headBytes, to, 'target/malformed')
  const row: (string | null)[] = []
  for (let left = cursor.uint16(); left > 0; left--) {
    const length = cursor.int32()
    row.push(length === -1 ? null : cursor.take(length).toString('utf8'))
  }
  cursor.end()
  return row
}

import type { Duplex } from 'node:stream'
import { Fault } from '@sallyport/core'
import { Cursor } from '@sallyport/wire'
import { decodeErrorFields } from './codec/backend.ts'
import { encodeQuery, terminate } from './codec/frontend.ts'
import { tag } from './codec/tags.ts'
import { readFrame } from './login/frames.ts'

const gone = 'target/closed'

/**
 * The gateway's own questions to a target, on a connection beside the client's and under the same account: nothing is
 * ever injected into a client's transaction. Simple protocol, text results.
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
    const rows: (string | null)[][] = []
    let failed: Fault | undefined
    for (;;) {
      const frame = await readFrame(this.#stream, 'server', gone, this.#signal)
      switch (frame[0]) {
        case tag.dataRow:
          rows.push(decodeRow(frame))
          break
        case tag.error:
          failed = new Fault(
            'target/malformed',
            "the target refused the gateway's question about its catalogue",
            {
              cause: new Error(decodeErrorFields(frame, 0, frame.length).get('M')),
            },
          )
          break
        case tag.ready:
          if (failed !== undefined) throw failed
          return rows
        default:
      }
    }
  }

  end(): void {
    this.#stream.write(terminate)
    this.#stream.end()
    this.#stream.destroy()
  }
}

function decodeRow(frame: Buffer): (string | null)[] {
  const cursor = new Cursor(frame, 5, frame.length, 'target/malformed')
  const row: (string | null)[] = []
  for (let left = cursor.uint16(); left > 0; left--) {
    const length = cursor.int32()
    row.push(length === -1 ? null : cursor.take(length).toString('utf8'))
  }
  cursor.end()
  return row
}

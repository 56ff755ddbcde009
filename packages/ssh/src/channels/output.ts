import type { Outcome, Permit } from '@sallyport/core'
import type { ChannelHost } from './host.ts'
import type { Keeping } from './keeping.ts'
import { KeptOutput } from './kept-output.ts'
import { MaskedOutput } from './masked-output.ts'
import { CommandsSeen } from '../terminal/index.ts'

/** What a mask has held back, and which comes by itself. */
export interface LateOutput {
  /** Has it go its way when anything may. */
  readonly whenMayLeave: (step: () => void) => void
  /** To the client. */
  readonly send: (bytes: Buffer, isError: boolean) => void
}

/** Both streams of what one program writes, on their way to the client: masked first, then recorded as the client gets it. */
export class ProgramOutput {
  readonly #host: ChannelHost
  readonly #streams: readonly [Stream, Stream]
  readonly #typed: KeptOutput | undefined
  /** What a person seems to have typed: for searching. */
  readonly #seen: CommandsSeen | undefined
  readonly #permit: Permit

  /**
   * @param keeping undefined: what passes is files
   * @param columns of its terminal, where it has one
   */
  constructor(
    host: ChannelHost,
    permit: Permit,
    keeping: Keeping | undefined,
    late: LateOutput,
    columns: number | undefined,
  ) {
    const { id } = permit
    this.#host = host
    this.#permit = permit
    this.#seen = columns === undefined || keeping === undefined ? undefined : new CommandsSeen(columns)
    const { note } = host
    const [out, error] = (['stdout', 'stderr'] as const).map((name, i) => {
      const kept = keeping && new KeptOutput(id, name, note, keeping[name])
      const mask = keeping && host.mask()
      return new Stream(kept, mask && new MaskedOutput(mask, (bytes) => this.#late(i, bytes, late)))
    })
    this.#streams = [out!, error!]
    this.#typed =
      host.options.recordInput && keeping !== undefined
        ? new KeptOutput(id, 'stdin', note, keeping.stdin)
        : undefined
  }

  // hot path. @returns what the client gets now
  down(bytes: Buffer, isError: boolean): Buffer {
    const out = this.#streams[isError ? 1 : 0].pass(bytes)
    if (!isError) this.#see(out)
    this.#host.commit()
    return out
  }

  up(bytes: Buffer): Buffer {
    this.#typed?.take(bytes)
    return bytes
  }

  resized(columns: number): void {
    this.#seen?.resized(columns)
  }

  #see(shown: Buffer): void {
    if (this.#seen === undefined) return
    const { id } = this.#permit
    for (const text of this.#seen.take(shown)) this.#host.note({ kind: 'command-seen', id, text })
  }

  /** Nothing more comes from the program. */
  downEnd(): void {
    for (const stream of this.#streams) stream.masked?.end()
  }

  /** @returns what its outcome says of the masks */
  end(): Pick<Outcome, 'maskedValues' | 'maskedColumns'> {
    this.downEnd()
    for (const { kept } of this.#streams) kept?.end()
    this.#typed?.end()
    const masked = this.#streams.flatMap((stream) => stream.masked ?? [])
    return {
      maskedValues: masked.reduce((sum, { maskedValues }) => sum + maskedValues, 0),
      maskedColumns: [...new Set(masked.flatMap(({ maskedTags }) => maskedTags))],
    }
  }

  #late(i: number, bytes: Buffer, { whenMayLeave, send }: LateOutput): void {
    whenMayLeave(() => {
      try {
        this.#streams[i]?.kept?.take(bytes)
        if (i === 0) this.#see(bytes)
        this.#host.commit()
        send(bytes, i === 1)
      } catch (thrown) {
        this.#host.broke(thrown)
      }
    })
  }
}

class Stream {
  readonly kept: KeptOutput | undefined
  readonly masked: MaskedOutput | undefined

  constructor(kept: KeptOutput | undefined, masked: MaskedOutput | undefined) {
    this.kept = kept
    this.masked = masked
  }

  pass(bytes: Buffer): Buffer {
    const out = this.masked === undefined ? bytes : this.masked.pass(bytes)
    if (out.length > 0) this.kept?.take(out)
    return out
  }
}

import type { Masking } from '@sallyport/core'
import { defaultRedactor, detectors, Sieve, type Scrubber } from '@sallyport/masking'
import { keyBlockAt, maxKeyLength } from './key-block.ts'
import { hiddenIn, type Hidden } from './hidden.ts'
import { latin1 } from './readable.ts'
import { states, visibleOf, type State, type Visible } from './visible.ts'

/**
 * How long bytes wait at most for what may follow them: who calls {@link OutputMask.push} has the timer. What comes later than that
 * finds the first part of a value gone.
 */
export const maxHoldMs = 20

/** How many bytes wait at most, escapes among them. Of a value that is longer, what is behind them is looked at by itself. */
export const maxHeldBytes = 32 * 1024

export interface OutputMaskParts {
  readonly masking: Masking
  /** Secret: see `redact`. */
  readonly key: Uint8Array
  /** As it stands now: `Session.maskedTags`. The same set object while nothing changes. */
  readonly maskedTags: () => ReadonlySet<string>
}

/**
 * Hides values that the resource's detectors find in one stream of output, such as a terminal's, of those tags that the subject may not
 * see. However the stream is cut, the same comes out, as long as nothing had to be flushed in the middle of a value.
 *
 * A value is found through escapes that neither print nor move the cursor: colours, erasing to the end of the line, character sets. Not
 * one that a program puts together on the screen by moving the cursor, that is printed backwards, encoded or parted otherwise. It is a net
 * against accidents: whoever has a shell can print what they want in any form.
 */
export class OutputMask {
  readonly #parts: OutputMaskParts
  #tags: ReadonlySet<string> = noTags
  #scrubbers: readonly Scrubber[] = []
  #sieve = new Sieve([])
  /** What waits, and the state of the terminal in front of it. */
  #held: Buffer = nothing
  #state: State = states.ground
  #heldSinceMs: number | undefined
  #context: Context = noContext
  /** How much may follow of a private key whose beginning has left, hidden. */
  #keyLeft = 0
  /** The line feed with which what was hidden of it ended, so that what follows begins on a line of its own. */
  #keyFeed = ''
  /** What was hidden of its last line, where that is not over. */
  #keyLine = ''
  #maskedValues = 0
  readonly #maskedTags = new Set<string>()

  constructor(parts: OutputMaskParts) {
    this.#parts = parts
  }

  /** How many it has hidden so far. */
  get maskedValues(): number {
    return this.#maskedValues
  }

  /** What they were tagged as. */
  get maskedTags(): readonly string[] {
    return [...this.#maskedTags]
  }

  /** Since when bytes wait, in the time that was passed with them; undefined where none do. {@link maxHoldMs} later they are flushed. */
  get heldSinceMs(): number | undefined {
    return this.#heldSinceMs
  }

  /**
   * hot path: with nothing to hide, the chunk itself; with nothing found, the chunk without its end where that waits.
   * @param nowMs by any clock that does not step
   * @returns what may leave now; it may be a part of `chunk`
   */
  push(chunk: Buffer, nowMs: number): Buffer {
    const flushed = this.#followTags()
    if (this.#scrubbers.length === 0) return flushed.length === 0 ? chunk : Buffer.concat([flushed, chunk])
    const before = this.#held.length
    const raw = before === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const out = this.#take(raw, false)
    const isOlder = this.#held.length > 0 && raw.length - this.#held.length < before
    if (this.#held.length === 0) this.#heldSinceMs = undefined
    else if (!isOlder) this.#heldSinceMs = nowMs
    return flushed.length === 0 ? out : Buffer.concat([flushed, out])
  }

  /** What waits, with what is found in it hidden: too much time has gone by, or the stream is over. */
  flush(): Buffer {
    if (this.#held.length === 0) return nothing
    const out = this.#take(this.#held, true)
    this.#heldSinceMs = undefined
    return out
  }

  /** @returns what waited to be judged by the tags of before */
  #followTags(): Buffer {
    const tags = this.#parts.maskedTags()
    if (tags === this.#tags) return nothing
    const flushed = this.flush()
    const { masking } = this.#parts
    this.#tags = tags
    this.#scrubbers = masking.detectors.flatMap((name) => {
      const detector = detectors[name]
      if (detector === undefined || !tags.has(detector.tag)) return []
      return [{ detector, redactor: masking.redactors[detector.tag] ?? defaultRedactor(detector.tag) }]
    })
    this.#sieve = new Sieve(this.#scrubbers.map(({ detector }) => detector))
    return flushed
  }

  /** @param isLast nothing waits: what could go on is judged as it is */
  #take(raw: Buffer, isLast: boolean): Buffer {
    if (this.#keyLeft > 0) return this.#takeKey(raw, isLast)
    const visible = visibleOf(this.#context.bytes, raw, this.#state)
    const { bytes, length } = visible
    const found = this.#findsIn(visible)
    let open = isLast ? length : this.#openFrom(visible)
    // What reaches into what waits, waits as well.
    if (!isLast)
      for (const { from, to, isOpen } of found.toReversed())
        if (isOpen || to > open) open = Math.min(open, from)
    open = Math.max(open, this.#context.bytes.length)
    const cut = cutAt(visible, open, raw)
    if (raw.length - cut > maxHeldBytes) return this.#take(raw, true)
    const finds = found.filter(({ to }) => to <= open)
    const out = this.#written(raw, cut, visible, finds)
    const last = finds.at(-1)
    if (isLast && last?.isOpen === true && last.to === length) {
      // Its first line may have been seen; all else will not be.
      if (this.#isSeen(last)) this.#count(last.tag)
      this.#beginKey(latin1(bytes.subarray(last.from, length)))
    } else if (cut > 0)
      this.#context = isLast ? this.#flushedContext(visible, last) : contextOf(visible, open, 4)
    this.#hold(visible, open, raw.subarray(cut))
    return out
  }

  #findsIn({ bytes, length }: Visible): readonly Hidden[] {
    const may = this.#sieve.mayHold(bytes, 0, length)
    const begun = this.#context.bytes.length
    return may === 0
      ? []
      : hiddenIn(this.#scrubbers, bytes.subarray(0, length), may, this.#parts.key).filter(
          ({ to }) => to > begun,
        )
  }

  #openFrom({ bytes, length }: Visible): number {
    return this.#scrubbers.reduce(
      (open, it) => Math.min(open, it.detector.openFrom(bytes, 0, length)),
      length,
    )
  }

  /** Behind a flush more may come of what has left: hidden, where it is a part of what was found; in clear, where nothing was. */
  #flushedContext(visible: Visible, last: Hidden | undefined): Context {
    const { length } = visible
    if (last?.to === length && !this.#isSeen(last))
      return { ...contextOf(visible, length, length - last.from), left: 'hidden' }
    const open = this.#openFrom(visible)
    return { ...contextOf(visible, length, length - open + 4), left: open < length ? 'in-clear' : 'whole' }
  }

  /** The rest of a private key, of which escapes stay. */
  #takeKey(raw: Buffer, isLast: boolean): Buffer {
    const visible = visibleOf(nothing, raw, this.#state)
    const before = this.#keyLine.length
    const text = this.#keyLine + latin1(visible.bytes.subarray(0, visible.length))
    const { to, isOpen, unsureFrom } = keyBlockAt(text, 0, before + this.#keyLeft)
    const isOver = !isOpen || (isLast && unsureFrom !== undefined)
    // A line that is not over may be one of the key's, unless it has had its time.
    const end = isOver || isLast ? (unsureFrom ?? to) : text.lastIndexOf('\n', to - 1) + 1
    const hidden = Math.max(0, end - before)
    const cut = cutAt(visible, hidden, raw)
    const piece = { from: 0, to: hidden, tag: '', isOpen: false, instead: '' }
    const out = this.#written(raw, cut, visible, hidden === 0 ? [] : [piece])
    const rest = raw.subarray(cut)
    this.#hold(visible, hidden, isOver ? nothing : rest)
    if (!isOver) {
      if (hidden > 0) this.#beginKey(text.slice(0, end), this.#keyLeft + before)
      return out
    }
    const feed = hidden === 0 && before === 0 ? this.#keyFeed : ''
    this.#keyLeft = 0
    this.#keyLine = ''
    if (rest.length === 0) return out
    return Buffer.concat([out, Buffer.from(feed), this.#take(rest, isLast)])
  }

  /** So much of it is hidden: what follows may be of it. */
  #beginKey(hidden: string, left = maxKeyLength): void {
    this.#keyLeft = Math.max(0, left - hidden.length)
    this.#keyLine = hidden.slice(hidden.lastIndexOf('\n') + 1)
    this.#keyFeed = /\r?\n$/.exec(hidden)?.[0] ?? ''
    this.#context = noContext
  }

  #hold(visible: Visible, from: number, rest: Buffer): void {
    this.#state = from === visible.length ? visible.end : (visible.states[from] as State)
    this.#held = rest.length === 0 ? nothing : Buffer.from(rest)
  }

  /** The raw bytes up to `cut`, with what was found replaced; escapes inside of a find follow what replaces it. */
  #written(raw: Buffer, cut: number, visible: Visible, finds: readonly Hidden[]): Buffer {
    const begun = this.#keyLeft > 0 ? 0 : this.#context.bytes.length
    const pieces: Buffer[] = []
    let written = 0
    const copyTo = (end: number): void => {
      if (end > written) pieces.push(raw.subarray(written, end))
      written = Math.max(written, end)
    }
    for (const find of finds) {
      const instead = this.#insteadOf(find, begun)
      if (instead === undefined) continue
      for (let i = Math.max(find.from, begun); i < find.to; i++) {
        const here = visible.at[i]!
        copyTo(here)
        if (i === Math.max(find.from, begun)) pieces.push(Buffer.from(instead))
        // Of what stands for an escape, the escape stays.
        if (raw[here] === visible.bytes[i]) written = here + 1
      }
    }
    if (written === 0 && pieces.length === 0) return cut === raw.length ? raw : raw.subarray(0, cut)
    copyTo(cut)
    return Buffer.concat(pieces)
  }

  #count(tag: string): void {
    this.#maskedValues++
    this.#maskedTags.add(tag)
  }

  /** Most of it has left in clear, so that the rest of it is not worth to be hidden: people see each letter that they type. */
  #isSeen({ from, to }: Hidden): boolean {
    const { bytes, left } = this.#context
    return left === 'in-clear' && from < bytes.length && to - bytes.length < leastRest
  }

  /** What stands for a find; undefined where it stays. */
  #insteadOf(find: Hidden, begun: number): string | undefined {
    const { from, tag, instead } = find
    if (from < begun && this.#context.left === 'hidden') return ''
    if (this.#isSeen(find)) return undefined
    if (tag !== '') this.#count(tag)
    return from < begun ? rest : instead
  }
}

/** What was in front of what comes, so that it is read as it would be read behind it. */
interface Context {
  readonly bytes: Uint8Array
  /** How its end left: as a value that may go on, `hidden` or `in-clear`; `whole` where none can go on. */
  readonly left: 'whole' | 'hidden' | 'in-clear'
}

function contextOf({ bytes, length }: Visible, end: number, size: number): Context {
  return { bytes: bytes.slice(Math.max(0, Math.min(end, length) - size), end), left: 'whole' }
}

/** Where the raw bytes are cut, so that what is visible from there on waits. */
function cutAt({ length, at }: Visible, from: number, raw: Buffer): number {
  return from === length ? raw.length : at[from]!
}

const nothing = Buffer.alloc(0)
const noTags: ReadonlySet<string> = new Set()
const noContext: Context = { bytes: nothing, left: 'whole' }
/** In bytes. */
const leastRest = 4
/** What stands for the rest of such a value. */
const rest = '****'

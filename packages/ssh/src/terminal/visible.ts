/**
 * What a terminal would show of a stream of bytes, as far as a value in it can be found by reading on: printed bytes, without the
 * escapes between them that neither print nor move. Whatever else a terminal does reads as a line feed: behind it another text begins.
 * The words inside of a title, a link or a device string are such a text of their own.
 *
 * ECMA-48, and what xterm makes of it. State machine after https://vt100.net/emu/dec_ansi_parser, on UTF-8: bytes from 0x80 on print.
 */
export interface Visible {
  readonly bytes: Uint8Array
  readonly length: number
  /** By byte: where it stands in the raw bytes, or where the escape begins that it stands for; -1 for the context in front of them. */
  readonly at: Int32Array
  /** By byte: the state in which the raw bytes go on from there. */
  readonly states: Uint8Array
  /** The state behind all of them. */
  readonly end: State
}

export const states = { ground: 0, escape: 1, designation: 2, sequence: 3, text: 4, textEscape: 5 } as const
export type State = (typeof states)[keyof typeof states]

/** Good until the next call. hot path: one pass, nothing allocated once it has grown. */
export function visibleOf(context: Uint8Array, raw: Uint8Array, begin: State): Visible {
  room(context.length + raw.length)
  bytes.set(context)
  at.fill(-1, 0, context.length)
  let length = context.length
  let state: number = begin
  /** Where the escape began that goes on: negative where that was before. */
  let escape = -1
  let stateAtEscape: number = begin
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i]!
    let shown = -1
    let stateHere = state
    let where = i
    switch (state) {
      case states.ground:
        if (byte === esc) {
          escape = i
          stateAtEscape = state
          state = states.escape
        } else if (isSilent[byte] === 0) shown = byte
        break
      case states.escape:
        if (byte === 0x5b) state = states.sequence
        else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) {
          state = states.text
          shown = lineFeed
        } else if (byte === esc) {
          // It begins anew, which does no more than the first.
        } else if (byte >= 0x20 && byte <= 0x2f) state = states.designation
        else {
          state = states.ground
          shown = lineFeed
        }
        break
      case states.designation:
        // Which letters are drawn how: `ESC ( B` is part of switching colours off.
        if (byte === esc) state = states.escape
        else if (byte >= 0x30) state = states.ground
        else if (byte < 0x20 && isSilent[byte] === 0) {
          state = states.ground
          shown = lineFeed
        }
        break
      case states.sequence:
        if (byte === esc) state = states.escape
        else if (byte === 0x18 || byte === 0x1a) state = states.ground
        else if (byte >= 0x40 && byte <= 0x7e) {
          state = states.ground
          if (byte !== 0x6d && byte !== 0x4b) shown = lineFeed
        } else if (byte < 0x20 && isSilent[byte] === 0) {
          // A terminal would go on with the sequence. To whom it is text, it is over.
          state = states.ground
          shown = lineFeed
        }
        break
      case states.text:
        if (byte === esc) state = states.textEscape
        else if (byte === 0x07 || byte === 0x18 || byte === 0x1a) {
          state = states.ground
          shown = lineFeed
        } else if (isSilent[byte] === 0) shown = byte
        break
      default:
        // `ESC \` ends it. So does any other escape, but to whom it is text, nothing has ended.
        escape = i - 1
        stateAtEscape = states.text
        if (byte === 0x5c) {
          state = states.ground
          shown = lineFeed
        } else {
          state = states.escape
          i--
        }
    }
    if (shown === -1) continue
    if (shown === lineFeed && byte !== lineFeed && stateHere !== states.text) {
      where = Math.max(0, escape)
      stateHere = escape < 0 ? begin : stateAtEscape
    }
    bytes[length] = shown
    at[length] = where
    statesAt[length++] = stateHere
  }
  return { bytes, length, at, states: statesAt, end: state as State }
}

let bytes = new Uint8Array(0)
let at = new Int32Array(0)
let statesAt = new Uint8Array(0)

function room(length: number): void {
  if (length <= bytes.length) return
  const grown = Math.max(2 * length, 64 * 1024)
  bytes = new Uint8Array(grown)
  at = new Int32Array(grown)
  statesAt = new Uint8Array(grown)
}

const esc = 0x1b
const lineFeed = 0x0a
/** NUL, bell, shifts of the character set and DEL print nothing and move nothing. */
const isSilent = Uint8Array.from({ length: 256 }, (_, byte) => Number([0, 7, 14, 15, 0x7f].includes(byte)))

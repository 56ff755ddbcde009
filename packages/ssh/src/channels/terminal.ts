import type { Field, Fields } from '../connection/messages.ts'
import { maxModesBytes } from '../limits.ts'

/** A terminal as a client asks for it. @see RFC 4254 section 6.2 */
export interface Terminal {
  readonly term: string
  readonly size: TerminalSize
  /** As the client sent them. */
  readonly modes: Buffer
}

/** @see RFC 4254 section 6.7 */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
  readonly widthPixels: number
  readonly heightPixels: number
}

/** A pty-req. Undefined where it asks for what no terminal has. @throws Fault where it is cut short */
export function readTerminal(fields: Fields): Terminal | undefined {
  const term = fields.name()
  const size = readSize(fields)
  const modes = fields.string()
  if (!/^[\w.+:/-]{0,64}$/.test(term) || modes.length > maxModesBytes) return undefined
  return { term, size, modes }
}

export function readSize(fields: Fields): TerminalSize {
  return {
    columns: fields.number(),
    rows: fields.number(),
    widthPixels: fields.number(),
    heightPixels: fields.number(),
  }
}

export function sizeFields({ columns, rows, widthPixels, heightPixels }: TerminalSize): readonly Field[] {
  return [columns, rows, widthPixels, heightPixels]
}

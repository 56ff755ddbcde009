import { PassThrough, Readable } from 'node:stream'
import { Printer } from '../printer.ts'

/** As a command would print to a terminal without colours. */
export function terminalPrinter(): Printer {
  const output = Object.assign(new PassThrough(), { isTTY: true })
  const surroundings = {
    environment: { NO_COLOR: '1' },
    input: Readable.from([]),
    output,
    errors: output,
    signals: process,
    now: () => 0,
  }
  return new Printer(surroundings, {})
}

import { styleText } from 'node:util'
import type { Surroundings } from './surroundings.ts'

export interface PrintOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}

type Style = Parameters<typeof styleText>[0]

/** What a command says: JSON for scripts, or text for people. Colour on a terminal only, and never against NO_COLOR. */
export class Printer {
  readonly #surroundings: Surroundings
  readonly #options: PrintOptions

  constructor(surroundings: Surroundings, options: PrintOptions) {
    this.#surroundings = surroundings
    this.#options = options
  }

  /** The answer: `value` with --json, else the text. Scripts read this, so --quiet does not silence it. */
  result(value: unknown, text: () => string): void {
    this.#surroundings.output.write(
      this.#options.json === true ? `${JSON.stringify(value, undefined, 2)}\n` : text(),
    )
  }

  /** What was done, for people. */
  note(line: string): void {
    if (this.#options.quiet !== true && this.#options.json !== true)
      this.#surroundings.errors.write(`${line}\n`)
  }

  /** How far something is, on one line of a terminal that the next one overwrites; nothing elsewhere. */
  progress(line: string): void {
    if (this.#options.quiet === true || this.#surroundings.errors.isTTY !== true) return
    this.#surroundings.errors.write(`\r\u001b[K${line}`)
  }

  /** Text of others as it is, or for a terminal without what could steer it. */
  shown(text: string): string {
    return this.#surroundings.output.isTTY === true ? text.replaceAll(/[^\P{Cc}\n\t]|\p{Cf}/gu, '?') : text
  }

  style(style: Style, text: string): string {
    const { output, environment } = this.#surroundings
    const isColoured =
      output.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && this.#options.json !== true
    return isColoured ? styleText(style, text, { validateStream: false }) : text
  }
}

import { styleText } from 'node:util'

/** What the demo shows: headings, what is typed, what comes back. */
export class Screen {
  readonly #isColoured = process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''

  heading(text: string): void {
    this.line(`\n${this.#style('bold', text)}`)
  }

  /** Progress on something that takes a moment. */
  step(text: string): void {
    this.line(this.#style('dim', `  ${text}`))
  }

  typed(who: string, text: string): void {
    this.line(`\n  ${this.#style('cyan', `${who} $`)} ${text}`)
  }

  output(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.line(`    ${line}`)
  }

  good(text: string): void {
    this.line(`  ${this.#style('green', '✓')} ${text}`)
  }

  line(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  #style(style: Parameters<typeof styleText>[0], text: string): string {
    return this.#isColoured ? styleText(style, text) : text
  }
}

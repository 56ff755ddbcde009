/** The line of a screen on which somebody types, as far as line editors need it: over several rows where it is longer than one. */
export class ScreenLine {
  columns: number
  #cells: string[] = []
  #cursor = 0

  constructor(columns: number) {
    this.columns = columns
  }

  get cursor(): number {
    return this.#cursor
  }

  /** What stands in front of the cursor, where nothing stands behind it. */
  get before(): string {
    return this.#cursor < this.#cells.length ? '' : this.#cells.join('')
  }

  from(column: number): string {
    return this.#cells.slice(column).join('')
  }

  clear(): void {
    this.#cells = []
    this.#cursor = 0
  }

  write(letter: string): void {
    if (this.#cursor >= maxCells) return
    while (this.#cells.length < this.#cursor) this.#cells.push(' ')
    this.#cells[this.#cursor++] = letter
  }

  /** To the begin of its row. */
  home(): void {
    this.#cursor -= this.#cursor % this.#width
  }

  move(by: number): void {
    this.#cursor = Math.min(maxCells, Math.max(0, this.#cursor + by))
  }

  /** A control sequence, by its last letter and first number. */
  act(final: string, number: number): void {
    const count = Math.max(1, number)
    switch (final) {
      case 'A':
        return this.move(-Math.min(count, maxCells) * this.#width)
      case 'B':
        return this.move(Math.min(count, maxCells) * this.#width)
      case 'C':
        return this.move(count)
      case 'D':
        return this.move(-count)
      case 'G':
        this.home()
        return this.move(count - 1)
      case 'K':
        if (number === 0) this.#cells.length = Math.min(this.#cells.length, this.#cursor)
        return
      case 'J':
        if (number === 0) this.#cells.length = Math.min(this.#cells.length, this.#cursor)
        else this.clear()
        return
      case 'H':
      case 'f':
        return this.clear()
      case 'P':
        this.#cells.splice(this.#cursor, count)
        return
      case '@':
        if (this.#cursor < this.#cells.length)
          this.#cells.splice(this.#cursor, 0, ...Array.from({ length: Math.min(count, maxCells) }, () => ' '))
        this.#cells.length = Math.min(this.#cells.length, maxCells)
        return
      default:
    }
  }

  get #width(): number {
    return Math.max(1, this.columns)
  }
}

/** Longer lines are not followed. */
const maxCells = 4096

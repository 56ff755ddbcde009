import { ScreenLine } from './screen-line.ts'

/** Of one command; a longer one is seen no further. */
const maxCommandLength = 1024
/** Of what comes at once, no more than its end is looked at: nobody types in the middle of it. */
const lookedAtBytes = 4096
const maxTextLength = 2 * maxCommandLength

/**
 * Commands as they are seen in a terminal's output: a help for searching, no proof of anything. A shell that marks its prompts and commands
 * (OSC 133 of FinalTerm, OSC 633 of Visual Studio Code) says where they are; of others a command is what stands behind something like a
 * prompt, at which the output had stopped, when the line ends. Time and memory are bounded, whatever comes.
 */
export class CommandsSeen {
  #decoder = new TextDecoder()
  readonly #line: ScreenLine
  #state: 'ground' | 'escape' | 'designation' | 'sequence' | 'text' | 'text-escape' = 'ground'
  #text = ''
  /** A shell that marks what it does is believed, and nothing is guessed any more. */
  #isMarked = false
  #hasToldLine = false
  /** Where a command begins in the line; undefined where none does. */
  #begins: number | undefined
  /** An editor or a pager has the whole screen. */
  #isElsewhere = false
  #found: string[] = []

  constructor(columns: number) {
    this.#line = new ScreenLine(columns)
  }

  resized(columns: number): void {
    this.#line.columns = columns
  }

  /** @param bytes as the client gets them. @returns what has been seen, one after the other */
  take(bytes: Uint8Array): readonly string[] {
    if (bytes.length > lookedAtBytes) this.#skip()
    const end = bytes.subarray(Math.max(0, bytes.length - lookedAtBytes))
    for (const letter of this.#decoder.decode(end, { stream: true })) this.#take(letter)
    this.#look()
    if (this.#found.length === 0) return none
    return this.#found.splice(0)
  }

  /** What was before is not what is before what is looked at next. */
  #skip(): void {
    this.#decoder = new TextDecoder()
    this.#state = 'ground'
    this.#newLine()
  }

  /** Where output stops at something like a prompt, a command may follow. */
  #look(): void {
    if (this.#isMarked || this.#isElsewhere || this.#begins !== undefined) return
    if (prompt.test(this.#line.before)) this.#begins = this.#line.cursor
  }

  #take(letter: string): void {
    switch (this.#state) {
      case 'ground':
        return this.#ground(letter)
      case 'escape':
        return this.#escape(letter)
      case 'designation':
        this.#state = 'ground'
        return
      case 'sequence':
        return this.#sequence(letter)
      case 'text':
        if (letter === '\u001b') this.#state = 'text-escape'
        else if (letter === '\u0007') this.#mark()
        else if (this.#text.length < maxTextLength) this.#text += letter
        return
      case 'text-escape':
        if (letter === '\\') return this.#mark()
        return this.#escape(letter)
    }
  }

  #ground(letter: string): void {
    if (letter === '\u001b') this.#state = 'escape'
    else if (letter === '\n') this.#ended()
    else if (letter === '\r') this.#line.home()
    else if (letter === '\b') this.#line.move(-1)
    else if (letter >= ' ' && letter !== '\u007f') this.#line.write(letter)
  }

  #escape(letter: string): void {
    this.#text = ''
    this.#state =
      letter === '['
        ? 'sequence'
        : letter === ']' || letter === 'P'
          ? 'text'
          : /[ -/]/.test(letter)
            ? 'designation'
            : 'ground'
  }

  #sequence(letter: string): void {
    if (letter < '@' || letter > '~') {
      if (this.#text.length < 32) this.#text += letter
      return
    }
    this.#state = 'ground'
    if (/^\?(?:1049|1047|47)$/.test(this.#text) && (letter === 'h' || letter === 'l')) {
      this.#isElsewhere = letter === 'h'
      return this.#newLine()
    }
    this.#line.act(letter, Number.parseInt(this.#text) || 0)
  }

  /** What a shell says of itself. */
  #mark(): void {
    this.#state = 'ground'
    const [, kind, rest = ''] = /^(?:133|633);([A-E])(?:;(.*))?$/su.exec(this.#text) ?? []
    if (kind === undefined) return
    this.#isMarked = true
    switch (kind) {
      case 'B':
        this.#begins = this.#line.cursor
        this.#hasToldLine = false
        return
      case 'E':
        this.#hasToldLine = true
        return this.#see(unescaped(rest.split(';')[0] ?? ''))
      case 'C':
        if (!this.#hasToldLine && this.#begins !== undefined) this.#see(this.#line.from(this.#begins))
        this.#begins = undefined
        return
      default:
        this.#begins = undefined
    }
  }

  /** A line feed: in a shell that marks nothing, what was typed is sent with it. */
  #ended(): void {
    // Marks tell the end of a command of several lines; its first one is what is kept.
    if (this.#begins !== undefined && !this.#hasToldLine) this.#see(this.#line.from(this.#begins))
    this.#hasToldLine = this.#isMarked
    this.#newLine()
  }

  #newLine(): void {
    this.#line.clear()
    this.#begins = undefined
  }

  #see(text: string): void {
    const command = text.trim().slice(0, maxCommandLength)
    if (command !== '' && !this.#isElsewhere && this.#found.length < maxAtOnce) this.#found.push(command)
  }
}

/** `alice@web-1:~$ `, `[root@db /]# `, `~ ❯ `, `sh-5.2$ `, `% `. */
const prompt = /^[^$#%>❯➜λ]{0,120}(?:[$#>❯➜λ]|(?<!\d)%) $/u
const none: readonly string[] = []
const maxAtOnce = 32

/** As Visual Studio Code's shell integration writes a command line. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:\\|x([\da-f]{2}))/gi, (_, hex: string | undefined) =>
    hex === undefined ? '\\' : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

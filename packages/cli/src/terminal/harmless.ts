/**
 * Output of a terminal that was recorded, for another one: what draws is kept, whatever would act on the viewer's own terminal is taken
 * out. Titles, links and the clipboard (OSC), device strings (DCS, APC, PM, SOS), questions that a terminal answers into the keyboard
 * (DA, DSR, DECRQM, XTVERSION), mouse, paste and keypad modes, window operations, resets and the bell are gone.
 */
export class HarmlessOutput {
  #state: 'ground' | 'escape' | 'designation' | 'sequence' | 'text' | 'text-escape' = 'ground'
  #sequence = ''

  /** However the text is cut. */
  push(text: string): string {
    let out = ''
    for (const letter of text) out += this.#take(letter)
    return out
  }

  #take(letter: string): string {
    const code = letter.codePointAt(0)!
    switch (this.#state) {
      case 'ground':
        return this.#ground(letter, code)
      case 'escape':
        return this.#escape(letter)
      case 'designation':
        this.#state = 'ground'
        return drawnLetters.has(letter) ? `\u001b${this.#sequence}${letter}` : ''
      case 'sequence':
        return this.#inSequence(letter, code)
      case 'text':
        if (code === 0x1b) this.#state = 'text-escape'
        else if (code === 0x07 || code === 0x9c || code === 0x18 || code === 0x1a) this.#state = 'ground'
        return ''
      case 'text-escape':
        this.#state = 'escape'
        return letter === '\\' ? this.#over('') : this.#escape(letter)
    }
  }

  #ground(letter: string, code: number): string {
    if (code === 0x1b) {
      this.#state = 'escape'
      return ''
    }
    // The one-letter forms of escapes.
    if (code === 0x9b) this.#begin()
    else if (code === 0x90 || code === 0x98 || code === 0x9d || code === 0x9e || code === 0x9f)
      this.#state = 'text'
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0)
    return !isControl || kept.has(letter) ? letter : ''
  }

  #escape(letter: string): string {
    if (letter === '[') {
      this.#begin()
      return ''
    }
    if (letter === ']' || letter === 'P' || letter === 'X' || letter === '^' || letter === '_') {
      this.#state = 'text'
      return ''
    }
    if (letter === '(' || letter === ')') {
      this.#state = 'designation'
      this.#sequence = letter
      return ''
    }
    if (letter === '\u001b') return ''
    // Of any other with parameters, what follows is no text.
    if (/[ -/]/.test(letter)) {
      this.#begin(unknown)
      return ''
    }
    if (letter === 'c') return this.#over(cleared)
    return this.#over(/[78DEM]/.test(letter) ? `\u001b${letter}` : '')
  }

  #begin(sequence = ''): void {
    this.#state = 'sequence'
    this.#sequence = sequence
  }

  #inSequence(letter: string, code: number): string {
    if (code === 0x1b) {
      this.#state = 'escape'
      return ''
    }
    if (code === 0x18 || code === 0x1a) return this.#over('')
    if (code < 0x20) return kept.has(letter) ? letter : ''
    const isOfUnknown = this.#sequence.startsWith(unknown)
    if (isOfUnknown ? code < 0x30 : code < 0x40) {
      if (this.#sequence.length < maxSequence) this.#sequence += letter
      else this.#sequence = unknown + unknown
      return ''
    }
    return this.#over(isOfUnknown || code > 0x7e ? '' : drawn(this.#sequence, letter))
  }

  #over(out: string): string {
    this.#state = 'ground'
    return out
  }
}

/** The sequence where it draws, or moves where is drawn. */
function drawn(parameters: string, final: string): string {
  const isPlain = /^[\d;:]*$/.test(parameters)
  if (isPlain && /[@A-HJ-MPSTXZ`adefmsu]/.test(final)) return `\u001b[${parameters}${final}`
  if (isPlain && final === 'r') return `\u001b[${parameters}r`
  // A letter again: no more of them than a screen has.
  if (isPlain && final === 'b' && Number(parameters) <= 4096) return `\u001b[${parameters}b`
  if (final !== 'h' && final !== 'l') return ''
  if (parameters === '4') return `\u001b[4${final}`
  const modes = /^\?([\d;]*)$/.exec(parameters)?.[1]?.split(';') ?? []
  const wanted = modes.filter((mode) => drawnModes.has(mode))
  return wanted.length === 0 ? '' : `\u001b[?${wanted.join(';')}${final}`
}

/** Origin, wrapping, the cursor shown, and the other screen. */
const drawnModes = new Set(['6', '7', '25', '47', '1047', '1048', '1049'])
/** ASCII, lines, British. */
const drawnLetters = new Set(['B', '0', 'A'])
const kept = new Set(['\b', '\t', '\n', '\r', '\u000e', '\u000f'])
const cleared = '\u001b[m\u001b[H\u001b[2J'
/** No parameter. */
const unknown = '!'
const maxSequence = 64

/** Gives the viewer's terminal back as it was. */
export const restored = '\u001b[m\u001b(B\u000f\u001b[?6l\u001b[?7h\u001b[r\u001b[?1049l\u001b[?25h'

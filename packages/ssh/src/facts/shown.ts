/**
 * A command or path as people should see it: nothing in it is invisible, and no two byte strings look alike. What cannot be
 * seen stands in angle brackets `⟨…⟩`: a byte as two hexadecimal digits, a character as `U+…`; so does an opening bracket `⟨`
 * itself. After a newline's mark the text goes on in the next line.
 */
export function shownCommand(bytes: Uint8Array): string {
  let shown = ''
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at)
    const character = length === 0 ? '' : decoder.decode(bytes.subarray(at, at + length))
    if (length > 0 && visible.test(character)) shown += character
    else if (length > 1) shown += `⟨U+${hex(character.codePointAt(0) ?? 0, 4)}⟩`
    else shown += `⟨${hex(bytes[at] ?? 0, 2)}⟩${bytes[at] === newline ? '\n' : ''}`
    at += Math.max(1, length)
  }
  return shown
}

const newline = 0x0a
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
/** Letters, marks, numbers, punctuation and symbols, and the plain space; no other space, no control, nothing that directs text. */
const visible = /^(?!\u27e8)[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}

/** How many bytes the UTF-8 character that begins here has; 0 where none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length =
    first >= 0xc2 && first <= 0xdf
      ? 2
      : first >= 0xe0 && first <= 0xef
        ? 3
        : first >= 0xf0 && first <= 0xf4
          ? 4
          : 0
  if (length === 0 || at + length > bytes.length) return 0
  for (let next = at + 1; next < at + length; next++) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0
  const second = bytes[at + 1] ?? 0
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0
  return length
}

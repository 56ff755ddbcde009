/** Longer names are cut by the server. In bytes; see PostgreSQL's NAMEDATALEN. */
const maxNameBytes = 63

/**
 * All that may be a name in a body of PL/pgSQL, wherever it stands, in comments and strings too: what the body calls is among it.
 * Nothing is told apart, so that nothing can hide. `undefined` where a name may be there that does not show: the body runs SQL that it
 * puts together, or writes names in escapes.
 */
export function wordsOf(body: string): ReadonlySet<string> | undefined {
  if (/u&|""/i.test(body)) return undefined
  const words = new Set<string>()
  // In quotes, or between two that are: which is not told apart either.
  for (const piece of body.split('"')) words.add(piece.slice(0, maxNameBytes)).add(cut(piece))
  for (const [word] of body.matchAll(/[\w$\u0080-\uffff]+/g)) {
    if (Buffer.byteLength(word) > maxNameBytes) return undefined
    words.add(word)
    words.add(word.toLowerCase())
    words.add(word.replace(/[A-Z]/g, (letter) => letter.toLowerCase()))
  }
  return words.has('execute') ? undefined : words
}

/** As the server cuts a name in UTF-8; in other encodings a byte is a letter. */
function cut(name: string): string {
  const bytes = Buffer.from(name)
  let end = Math.min(maxNameBytes, bytes.length)
  while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Longer names are cut by the server. In bytes; see PostgreSQL's NAMEDATALEN. */
const maxNameBytes = 63

/**
 * All that may be a name in a body of PL/pgSQL, wherever it stands, in comments and strings too: what the body calls is among it.
 * Nothing is told apart, so that nothing can hide. `undefined` where a name may be there that does not show: the body runs SQL that it
 * puts together, or writes names in escapes.
 */
export function wordsOf(body: string): ReadonlySet<string> | undefined {
  if (/u&|""/i.test(body)) return undefined
  const words = new Set<string>(body.split('"'))
  for (const [word] of body.matchAll(/[\w$\u0080-\uffff]+/g)) {
    if (Buffer.byteLength(word) > maxNameBytes) return undefined
    words.add(word)
    words.add(word.toLowerCase())
    words.add(word.replace(/[A-Z]/g, (letter) => letter.toLowerCase()))
  }
  return words.has('execute') ? undefined : words
}

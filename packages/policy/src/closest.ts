/** The word that `wrong` was probably meant to be: at most two edits, or a third of its length, away. */
function closest(wrong: string, words: Iterable<string>): string | undefined {
  let best: string | undefined
  let fewest = Math.max(2, Math.floor(wrong.length / 3)) + 1
  for (const word of words) {
    const edits = distance(wrong, word)
    if (edits < fewest) [best, fewest] = [word, edits]
  }
  return best
}

export function didYouMean(wrong: string, words: Iterable<string>): string {
  const word = closest(wrong, words)
  return word === undefined ? '' : `; did you mean ${word}?`
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

/**
 * Whether an object in a text of JSON has a name twice. Parsers differ in which of the two they take, so that what one has checked may
 * not be what another reads. The text must be good JSON; names are compared as they are read, escapes and all.
 */
export function hasNameTwice(json: string): boolean {
  const objects: Set<string>[] = []
  /** A container by its kind; only in an object can a string be a name. */
  const containers: ('{' | '[')[] = []
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '{') {
      containers.push('{')
      objects.push(new Set())
    } else if (character === '[') containers.push('[')
    else if (character === '}') {
      containers.pop()
      objects.pop()
    } else if (character === ']') containers.pop()
    else if (character === '"') {
      const end = endOfString(json, at)
      colon.lastIndex = end
      if (containers.at(-1) === '{' && colon.test(json)) {
        const names = objects.at(-1)
        const name = JSON.parse(json.slice(at, end)) as string
        if (names === undefined || names.has(name)) return true
        names.add(name)
      }
      at = end - 1
    }
  }
  return false
}

const colon = /[ \t\r\n]*:/y

/** Behind the closing quote. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at++
    else if (json[at] === '"') return at + 1
  }
  return json.length
}

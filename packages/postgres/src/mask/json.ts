/**
 * Rewrites the strings inside a JSON text, keys included, and leaves every other byte as it is: numbers keep their
 * digits, and a json column its spaces.
 * @param rewrite undefined where a string stays
 * @returns undefined where nothing changes; null for what is no JSON and so cannot be judged
 */
export function scrubJson(
  value: Buffer,
  family: 'json' | 'jsonb',
  format: number,
  rewrite: (text: string) => string | undefined,
): Buffer | null | undefined {
  const hasVersion = family === 'jsonb' && format === 1
  // jsonb's binary form: a version byte, then the text.
  if (hasVersion && value[0] !== 1) return null
  const text = value.toString('utf8', hasVersion ? 1 : 0)
  let isChanged = false
  let isReadable = true
  const scrubbed = text.replace(tokens, (token) => {
    const isString = token.startsWith('"')
    const plain = isString ? parseString(token) : token
    if (plain === undefined) {
      isReadable = false
      return token
    }
    const changed = rewrite(plain)
    if (changed === undefined) return token
    isChanged = true
    return JSON.stringify(changed)
  })
  if (!isReadable) return null
  if (!isChanged) return undefined
  return Buffer.concat([value.subarray(0, hasVersion ? 1 : 0), Buffer.from(scrubbed)])
}

/** Strings, and numbers: a card number may stand as one. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs

function parseString(token: string): string | undefined {
  try {
    return JSON.parse(token) as string
  } catch {
    return undefined
  }
}

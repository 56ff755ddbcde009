/**
 * The bytes of a bytea's text form, as hexadecimal digits or as `bytea_output = escape` has it; undefined for what is neither.
 * @see PostgreSQL documentation, "Binary Data Types"
 */
export function bytesOfBytea(text: string): Buffer | undefined {
  if (text.startsWith('\\x')) {
    const digits = text.slice(2)
    return /^(?:[\da-f]{2})*$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined
  }
  if (!/^(?:[^\\]|\\\\|\\[0-3][0-7]{2})*$/.test(text)) return undefined
  const bytes = text.replace(/\\(\\|\d{3})/g, (_, escaped: string) =>
    escaped === '\\' ? escaped : String.fromCharCode(Number.parseInt(escaped, 8)),
  )
  return Buffer.from(bytes, 'latin1')
}

export function textOfBytea(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`
}

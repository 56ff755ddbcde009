/** @see PostgreSQL documentation, "UUID Type": what it takes, and the form in which it writes them */
export function bytesOfUuid(text: string): Buffer | undefined {
  const digits = text.replace(/^\{(.*)\}$/, '$1').replaceAll('-', '')
  return /^[\da-f]{32}$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined
}

export function textOfUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What makes two errors the same find: their kind and words, whatever numbers and quotes are in them, and where they arose. */
export function kindOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const words = thrown.message
    .split('\n', 1)[0]!
    .replace(/\d+|"[^"]*"|'[^']*'/g, '…')
    .slice(0, 80)
  const place = /^ +at .*$/m.exec(thrown.stack ?? '')?.[0] ?? ''
  return `${thrown.name} ${words} ${place}`
}

/** How often a smaller input is tried. */
const maxTries = 2_000

/** A smaller input that still breaks: pieces are left out, largest first, while it does. */
export async function shrink(
  input: Buffer,
  stillBreaks: (input: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let bytes = input
  let tries = 0
  for (let size = Math.ceil(bytes.length / 2); size > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < bytes.length;) {
      if (tries++ >= maxTries) return bytes
      const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
      if (await stillBreaks(without)) bytes = without
      else at += size
    }
  }
  return bytes
}

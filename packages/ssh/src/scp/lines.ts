import { Fault, type FaultCode } from '@sallyport/core'

/** What a line may have, its end included: names are not longer. */
export const longestLineBytes = 8 * 1024

/** What the side that sends files says between them. */
export type Line =
  /** A file of so many bytes follows; or a directory begins. */
  | { readonly is: 'file'; readonly mode: string; readonly sizeBytes: number; readonly name: Buffer }
  | { readonly is: 'directory'; readonly mode: string; readonly name: Buffer }
  /** The directory ends. */
  | { readonly is: 'end' }
  /** Times of what follows. */
  | { readonly is: 'times' }
  /** It failed to send something; `isFatal`: it goes away. The other side says nothing to that. */
  | { readonly is: 'error'; readonly isFatal: boolean }

/**
 * Reads a line, as OpenSSH's scp does, and no line that it would not.
 * @param line with its newline @param malformed whom to blame
 * @throws Fault
 */
export function decodeLine(line: Buffer, malformed: FaultCode): Line {
  const text = line.toString('latin1', 0, line.length - 1)
  if (text[0] === '\x01' || text[0] === '\x02') return { is: 'error', isFatal: text[0] === '\x02' }
  if (text === 'E') return { is: 'end' }
  if (/^T\d{1,12} 0 \d{1,12} 0$/.test(text)) return { is: 'times' }
  const [, kind, mode, size, name] = /^([CD])([0-7]{4}) (\d{1,16}) ([^]+)$/.exec(text) ?? []
  if (kind === undefined || mode === undefined || size === undefined || name === undefined) {
    throw new Fault(malformed, 'a line that the scp protocol does not have')
  }
  const bytes = Buffer.from(name, 'latin1')
  if (isUnfit(name)) throw new Fault(malformed, 'scp with a name that is no name of a file')
  if (kind === 'D') return { is: 'directory', mode, name: bytes }
  const sizeBytes = Number(size)
  if (!Number.isSafeInteger(sizeBytes)) throw new Fault(malformed, 'scp with a file beyond 2^53 bytes')
  return { is: 'file', mode, sizeBytes, name: bytes }
}

/** A name that is a path leads elsewhere (CVE-2000-0992, CVE-2019-6111); control bytes deceive who looks (CVE-2019-6109). */
function isUnfit(name: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return name === '.' || name === '..' || /[/\x00-\x1f\x7f]/.test(name)
}

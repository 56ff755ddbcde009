import type { AuditEntry } from './audit.ts'

/**
 * An entry of the audit log as messages of syslog, RFC 5424: its fields as structured data, its changes as JSON. What is longer than
 * `maxCharacters` is cut into several, numbered `1/3`, `2/3`: put together, their texts are the JSON.
 */
export function syslogMessages(
  entry: AuditEntry,
  { host, maxCharacters }: { readonly host: string; readonly maxCharacters: number },
): readonly string[] {
  const { seq, at, kind, by, principal, actor, address, why, previous, hash } = entry
  const characters = Array.from(JSON.stringify(entry.changes))
  const parts = Math.max(1, Math.ceil(characters.length / maxCharacters))
  const severity = kind !== null && isAttempt.has(kind) ? warning : notice
  const header = `<${logAudit * 8 + severity}>1 ${new Date(at).toISOString()} ${named(host, 255)} sallyport - ${named(kind ?? 'audit', 32)}`
  return Array.from({ length: parts }, (_, i) => {
    const fields = {
      seq: String(seq),
      kind,
      by,
      principal,
      actor,
      address,
      why,
      previous,
      hash,
      part: parts === 1 ? null : `${i + 1}/${parts}`,
    }
    const data = Object.entries(fields).flatMap(([name, value]) =>
      value === null ? [] : [`${name}="${escaped(value)}"`],
    )
    const text = characters.slice(i * maxCharacters, (i + 1) * maxCharacters).join('')
    // The mark says that it is UTF-8. RFC 5424 section 6.4
    return `${header} [audit@${enterprise} ${data.join(' ')}] \u{feff}${text}`
  })
}

/** RFC 5424 section 6.3.3; nothing that ends a line for those who count none. */
function escaped(value: string): string {
  return value.replaceAll(/["\\\]]/g, '\\$&').replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

/** Printable ASCII alone. */
function named(text: string, length: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, length) || '-'
}

const logAudit = 13
const warning = 4
const notice = 5
const isAttempt: ReadonlySet<string> = new Set([
  'log-in-failed',
  'federation-refused',
  'key-refused',
  'enrolment-refused',
])
/** For documentation and examples: we have none of our own. RFC 5612 */
const enterprise = 32_473

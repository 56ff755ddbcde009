import { spansOf, type Detector } from '../detector.ts'

/** Credentials by the forms that their issuers gave them, so that scanners find them. */
const forms = [
  String.raw`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]{1,20000}?(?:-----END (?:[A-Z]+ )?PRIVATE KEY-----|$)`,
  String.raw`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`, // AWS access key id
  String.raw`\bAIza[0-9A-Za-z_-]{35}`, // Google API key
  String.raw`\bgh[pousr]_[0-9A-Za-z]{36,255}\b`, // GitHub
  String.raw`\bgithub_pat_[0-9A-Za-z_]{22,255}`,
  String.raw`\bglpat-[0-9A-Za-z_-]{20,64}`, // GitLab
  String.raw`\bxox[abeoprs]-[0-9A-Za-z-]{10,250}`, // Slack
  String.raw`\b[rs]k_(?:live|test)_[0-9A-Za-z]{20,247}\b`, // Stripe
  String.raw`\beyJ[0-9A-Za-z_-]{8,4096}\.eyJ[0-9A-Za-z_-]{8,8192}\.[0-9A-Za-z_-]{8,4096}`, // JWT
  String.raw`\bsp[js]?_[0-9A-Za-z]{49}\b`, // Sallyport
]
const pattern = new RegExp(forms.join('|'), 'g')
const marks = ['PRIVATE KEY', 'AKIA', 'ASIA', 'AIza', 'gh', 'glpat-', 'xox', 'k_', 'eyJ', 'sp'].map((mark) =>
  Buffer.from(mark),
)

export const key: Detector = {
  name: 'key',
  tag: 'secret.key',
  mayOccur(bytes) {
    if (bytes.length < 20) return false
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return marks.some((mark) => buffer.includes(mark))
  },
  find: (text) => spansOf(pattern, text, () => true),
}

import { spansOf, type Detector } from '../detector.ts'

/** Credentials by the forms that their issuers gave them, so that scanners find them. */
const forms = [
  // What is cut off before its end is a secret too.
  String.raw`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[\s\S]){0,20000}(?:-----END (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----)?`,
  String.raw`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`, // AWS access key id
  String.raw`\bAIza[0-9A-Za-z_-]{35}`, // Google API key
  String.raw`\bGOCSPX-[0-9A-Za-z_-]{28}`, // Google OAuth client
  String.raw`\bgh[pousr]_[0-9A-Za-z]{36,255}\b`, // GitHub
  String.raw`\bgithub_pat_[0-9A-Za-z_]{22,255}`,
  String.raw`\bglpat-[0-9A-Za-z_-]{20,64}`, // GitLab
  String.raw`\bxox[abeoprs]-[0-9A-Za-z-]{10,250}`, // Slack
  String.raw`\b[rs]k_(?:live|test)_[0-9A-Za-z]{20,247}\b`, // Stripe
  // JWT. It begins where its alphabet does, so that no run is looked at twice.
  String.raw`(?<![0-9A-Za-z_-])eyJ[0-9A-Za-z_-]{8,4096}\.eyJ[0-9A-Za-z_-]{8,8192}\.[0-9A-Za-z_-]{8,4096}`,
  String.raw`\bsp[js]?_[0-9A-Za-z]{49}\b`, // Sallyport
]
const pattern = new RegExp(forms.join('|'), 'g')

/** What each form holds, and the letter of it that is rarest in ordinary text. */
const marks = [
  ['PRIVATE KEY', 'K'],
  ['AKIA', 'K'],
  ['ASIA', 'S'],
  ['AIza', 'z'],
  ['GOCSPX-', 'X'],
  ['ghp_', '_'],
  ['gho_', '_'],
  ['ghu_', '_'],
  ['ghs_', '_'],
  ['ghr_', '_'],
  ['github_pat_', '_'],
  ['glpat-', '-'],
  ['xox', 'x'],
  ['k_live_', '_'],
  ['k_test_', '_'],
  ['eyJ', 'J'],
  ['sp_', '_'],
  ['spj_', '_'],
  ['sps_', '_'],
] as const

interface Mark {
  readonly bytes: Buffer
  /** Where in it the rare letter is. */
  readonly offset: number
}
const byRareLetter: (readonly Mark[] | undefined)[] = Array.from({ length: 256 })
for (const [mark, letter] of marks) {
  const one = { bytes: Buffer.from(mark), offset: mark.indexOf(letter) }
  byRareLetter[letter.charCodeAt(0)] = [...(byRareLetter[letter.charCodeAt(0)] ?? []), one]
}

export const key: Detector = {
  name: 'key',
  tag: 'secret.key',
  isAnchor: (byte) => byRareLetter[byte] !== undefined,
  isAnchoredInFront: false,
  mayBeAt(bytes, at, from, to) {
    if (to - from < 20) return false
    for (const mark of byRareLetter[bytes[at]!]!)
      if (isAt(bytes, at - mark.offset, mark.bytes, from, to)) return true
    return false
  },
  find: (text) => spansOf(pattern, text, () => true),
}

function isAt(bytes: Uint8Array, at: number, mark: Uint8Array, from: number, to: number): boolean {
  if (at < from || at + mark.length > to) return false
  for (let i = 0; i < mark.length; i++) if (bytes[at + i] !== mark[i]) return false
  return true
}

import { bytesLike, spansOf, type Detector } from '../detector.ts'

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
  openFrom(bytes, from, to) {
    const least = Math.max(from, to - maxTokenBytes)
    let begun = to
    for (let at = to; at > least && isOfToken[bytes[at - 1]!] === 1;) {
      at--
      // A token begins where a word does.
      const isAtWord = at === from || isOfWord[bytes[at - 1]!] === 0
      if (isAtWord && tokenBegins.some((first) => agrees(bytes, at, to, first))) begun = at
    }
    return Math.min(begun, headerFrom(bytes, Math.max(from, to - maxHeaderBytes), to))
  },
}

/** How tokens begin, as {@link forms} has it. */
const tokenBegins = [
  'AKIA', 'ASIA', 'AIza', 'GOCSPX-', 'github_pat_', 'glpat-', 'xox', 'eyJ', 'sp_', 'spj_', 'sps_',
  'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'sk_live_', 'rk_live_', 'sk_test_', 'rk_test_',
].map((first) => Buffer.from(first)) // prettier-ignore
const isOfToken = bytesLike(/[\dA-Za-z_.-]/)
const isOfWord = bytesLike(/[\dA-Za-z_]/)
/** The three parts of a JWT, its dots, and what follows. */
const maxTokenBytes = 4099 + 8195 + 4096 + 4
const maxHeaderBytes = 64
const headerBegun = /(?:-{1,5}|-----B|-----BE|-----BEG|-----BEGI|-----BEGIN(?: [A-Z ]*-{0,5})?)$/

/** Where a private key's first line may begin that is not over. */
function headerFrom(bytes: Uint8Array, from: number, to: number): number {
  const last = bytes[to - 1]!
  if (to === from || !(last === 0x2d || last === 0x20 || (last >= 0x41 && last <= 0x5a))) return to
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
  const index = text.search(headerBegun)
  return index === -1 ? to : from + index
}

/** Whether one goes on like the other, as far as both go. */
function agrees(bytes: Uint8Array, at: number, to: number, first: Uint8Array): boolean {
  const end = Math.min(to, at + first.length)
  for (let i = at; i < end; i++) if (bytes[i] !== first[i - at]) return false
  return true
}

function isAt(bytes: Uint8Array, at: number, mark: Uint8Array, from: number, to: number): boolean {
  if (at < from || at + mark.length > to) return false
  for (let i = 0; i < mark.length; i++) if (bytes[at + i] !== mark[i]) return false
  return true
}

import { utf8, type Encoding } from './encoding.ts'
import { byteTable, isoTable, japaneseTable, pairTable, windowsTable } from './tables.ts'
import { TableEncoding, type Table } from './table-encoding.ts'

/**
 * Encodings that clients may use, by the server's names. The others are refused: in SJIS, SHIFT_JIS_2004, BIG5, GBK, GB18030, UHC and
 * JOHAB a byte of ASCII may be the second half of a character; of EUC_TW, EUC_JIS_2004 and MULE_INTERNAL there are no tables here.
 */
const tables: Readonly<Record<string, () => Table>> = {
  LATIN1: () => isoTable(undefined),
  LATIN2: () => isoTable('iso-8859-2'),
  LATIN3: () => isoTable('iso-8859-3'),
  LATIN4: () => isoTable('iso-8859-4'),
  LATIN5: () => isoTable('iso-8859-9'),
  LATIN6: () => isoTable('iso-8859-10'),
  LATIN7: () => isoTable('iso-8859-13'),
  LATIN8: () => isoTable('iso-8859-14'),
  LATIN9: () => isoTable('iso-8859-15'),
  LATIN10: () => isoTable('iso-8859-16'),
  ISO_8859_5: () => isoTable('iso-8859-5'),
  ISO_8859_6: () => isoTable('iso-8859-6'),
  ISO_8859_7: () => isoTable('iso-8859-7'),
  ISO_8859_8: () => isoTable('iso-8859-8'),
  KOI8R: () => byteTable('koi8-r'),
  KOI8U: () => byteTable('koi8-u', { 0xae: 0x255d, 0xbe: 0x256c }),
  WIN866: () => byteTable('ibm866'),
  WIN874: () => windowsTable('windows-874'),
  WIN1250: () => windowsTable('windows-1250'),
  WIN1251: () => windowsTable('windows-1251'),
  WIN1252: () => windowsTable('windows-1252'),
  WIN1253: () => windowsTable('windows-1253'),
  WIN1254: () => windowsTable('windows-1254'),
  WIN1255: () => windowsTable('windows-1255', { 0xca: 0 }),
  WIN1256: () => windowsTable('windows-1256'),
  WIN1257: () => windowsTable('windows-1257'),
  WIN1258: () => windowsTable('windows-1258'),
  EUC_JP: japaneseTable,
  EUC_KR: () => pairTable('euc-kr', { 0xa2e6: '€', 0xa2e7: '®', 0xa2e8: '㉾' }),
  EUC_CN: () => pairTable('gb2312', { 0xa1a4: '・', 0xa1aa: '―' }),
}

/** The names that are offered, for whoever names another. */
export const offered: readonly string[] = ['UTF8', 'SQL_ASCII', ...Object.keys(tables)]

/** @see PostgreSQL source, pg_encname_tbl */
const aliases: Readonly<Record<string, string>> = {
  unicode: 'UTF8',
  abc: 'WIN1258',
  tcvn: 'WIN1258',
  tcvn5712: 'WIN1258',
  vscii: 'WIN1258',
  alt: 'WIN866',
  win: 'WIN1251',
  koi8: 'KOI8R',
  iso88591: 'LATIN1',
  iso88592: 'LATIN2',
  iso88593: 'LATIN3',
  iso88594: 'LATIN4',
  iso88599: 'LATIN5',
  iso885910: 'LATIN6',
  iso885913: 'LATIN7',
  iso885914: 'LATIN8',
  iso885915: 'LATIN9',
  iso885916: 'LATIN10',
  windows866: 'WIN866',
  windows874: 'WIN874',
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`windows125${n}`, `WIN125${n}`])),
}

const names: ReadonlyMap<string, string> = new Map([
  ...offered.map((name) => [folded(name), name] as const),
  ...Object.entries(aliases),
])

/** The server's name of an encoding that is offered: it compares letters and digits alone. */
export function encodingName(text: string): string | undefined {
  return names.get(folded(text))
}

function folded(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, '').toLowerCase()
}

const made = new Map<string, Encoding>([['UTF8', utf8]])

/** An encoding by the server's name; undefined for those that say nothing of characters, and for what is not offered. */
export function encodingNamed(name: string): Encoding | undefined {
  const known = made.get(name)
  if (known !== undefined) return known
  const table = tables[name]?.()
  if (table === undefined) return undefined
  const encoding = new TableEncoding(name, table)
  made.set(name, encoding)
  return encoding
}

/**
 * How bytes are read that go to and from a server of `serverEncoding` under this `client_encoding`. The server converts to and from
 * UTF8, or nothing at all; other conversions have tables of their own, and are not offered.
 */
export function clientEncoding(name: string, serverEncoding: string): Encoding | undefined {
  if (name === 'UTF8') return utf8
  // Nothing is converted: what goes over the wire is the database's own.
  if (name === 'SQL_ASCII') return serverEncoding === 'SQL_ASCII' ? utf8 : encodingNamed(serverEncoding)
  return serverEncoding === 'UTF8' || serverEncoding === name ? encodingNamed(name) : undefined
}

import {
  bind,
  closePortal,
  closeStatement,
  copyData,
  copyDone,
  copyFail,
  cstring,
  describePortal,
  describeStatement,
  execute,
  flush,
  functionCall,
  int16,
  int32,
  message,
  parse,
  password,
  query,
  sync,
  terminate,
} from '../../../world/raw-messages.ts'

/** What the random word of a session is in these tests: what refused operations are replaced by. */
export const marker = 'sallyport_refused_fuzz'

/** One message of each kind, and a few more of those with many forms. */
export const clientWords: readonly Buffer[] = [
  query('select 1'),
  query('forbidden'),
  query('select 1; forbidden'),
  query(''),
  query('masked'),
  query('prepare a; deallocate a'),
  query('declare c'),
  query('path x; commit'),
  query(marker),
  query('größe'),
  message('Q', Buffer.of(0xff, 0xfe, 0)),
  parse('select $1', { name: 's' }),
  parse('masked', { types: [23, 25] }),
  parse('forbidden'),
  bind(['1', null, Buffer.of(0, 255)], { portal: 'p', statement: 's', formats: [0, 0, 1], results: [1] }),
  bind(),
  bind([], { portal: 'p', statement: 'missing' }),
  bind([], { statement: marker }),
  describeStatement('s'),
  describePortal('p'),
  describePortal(),
  execute({ portal: 'p', maxRows: 3 }),
  execute(),
  execute({ portal: 'c' }),
  closeStatement('s'),
  closePortal('p'),
  sync(),
  flush(),
  copyData('a\tb\n'),
  copyDone(),
  copyFail('why'),
  functionCall(1598, ['1']),
  functionCall(952, [Buffer.of(0, 0, 0, 1), null], { formats: [1], result: 1 }),
  functionCall(954, ['0', Buffer.of(0, 0, 1, 0)], { formats: [0, 1], result: 1 }),
  functionCall(964, ['1']),
  message('F', int32(954), int16(0), int16(2), int32(1), Buffer.from('0'), int32(0x7fff_ffff), int16(0)),
  message('F', int32(954), int16(0), int16(1), int32(-2), int16(0)),
  message('F', int32(954), int16(0xffff), int16(0)),
  terminate(),
  password(cstring('secret')),
]

const error = (code: string, severity = 'ERROR'): Buffer =>
  message('E', ...[`S${severity}`, `V${severity}`, `C${code}`, 'Mwhat'].map(cstring), Buffer.of(0))

export const rowDescription = (...names: readonly string[]): Buffer =>
  message(
    'T',
    int16(names.length),
    ...names.flatMap((name) => [
      cstring(name),
      int32(0),
      int16(0),
      int32(25),
      int16(0xffff),
      int32(-1),
      int16(0),
    ]),
  )

export const dataRow = (...values: readonly (string | null)[]): Buffer =>
  message(
    'D',
    int16(values.length),
    ...values.flatMap((value) =>
      value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value)],
    ),
  )

export const functionResult = (value: string): Buffer =>
  message('V', int32(Buffer.byteLength(value)), Buffer.from(value))

export const commandComplete = (tag: string): Buffer => message('C', cstring(tag))
export const ready = (status: 'I' | 'T' | 'E'): Buffer => message('Z', Buffer.from(status))

export const serverWords: readonly Buffer[] = [
  message('1'),
  message('2'),
  message('3'),
  message('n'),
  message('I'),
  message('s'),
  message('c'),
  message('t', int16(1), int32(23)),
  rowDescription('a'),
  rowDescription('a', 'b'),
  rowDescription(),
  dataRow('x'),
  dataRow('x', null),
  dataRow(''),
  commandComplete('SELECT 1'),
  commandComplete('ROLLBACK'),
  commandComplete('COPY 2'),
  ready('I'),
  ready('T'),
  ready('E'),
  error('42601'),
  error('57014'),
  error('57P01', 'FATAL'),
  message('N', cstring('SNOTICE'), cstring('C00000'), cstring('Mnote'), Buffer.of(0)),
  message('S', cstring('search_path'), cstring('"$user", public')),
  message('A', int32(7), cstring('channel'), cstring('payload')),
  message('G', Buffer.of(0), int16(1), int16(0)),
  message('H', Buffer.of(0), int16(2), int16(0), int16(0)),
  message('d', Buffer.from('a\tb\n')),
  message('K', int32(1), int32(2)),
  message('R', int32(0)),
  message('R', int32(10), cstring('SCRAM-SHA-256'), Buffer.of(0)),
  message('R', int32(11), Buffer.from('r=abc,s=c2FsdA==,i=4096')),
  message('V', int32(-1)),
  functionResult('x'),
  message('V', int32(9), Buffer.from('x')),
  message('W', Buffer.of(0), int16(0)),
  message('v', int32(196_610), int32(0)),
]

import { batch, extended, simple, until, type Script, type Step } from './differential.ts'
import {
  bind,
  copyData,
  copyDone,
  copyFail,
  describePortal,
  execute,
  parse,
  query,
  sync,
} from '../world/raw-messages.ts'

export const copying: Script = {
  name: 'copy',
  steps: [
    ...[
      'COPY customers TO STDOUT',
      'COPY (SELECT id, name, notes FROM customers ORDER BY id LIMIT 20) TO STDOUT',
      "COPY (SELECT id, name, notes FROM customers ORDER BY id LIMIT 20) TO STDOUT (FORMAT csv, HEADER, NULL 'none', FORCE_QUOTE *)",
      "COPY (SELECT E'a\\tb\\nc\\\\', NULL, '') TO STDOUT",
      'COPY products (sku, price) TO STDOUT (FORMAT binary)',
      "COPY (SELECT 'größe') TO STDOUT (ENCODING 'LATIN1')",
      'COPY (SELECT 1 WHERE false) TO STDOUT',
      'COPY (SELECT 1/0) TO STDOUT',
      'COPY (SELECT n, 1/(n - 3) FROM generate_series(1, 5) n) TO STDOUT',
      'COPY no_such_table TO STDOUT',
      'COPY (SELECT 1) TO STDOUT; SELECT 2; COPY (SELECT 3) TO STDOUT',
      'COPY (SELECT n, repeat($$x$$, 1000) FROM generate_series(1, 2000) n) TO STDOUT',
      'CREATE TABLE copied (a int, b text)',
    ].map(simple),
    extended('COPY (SELECT id FROM products ORDER BY id) TO STDOUT'),
    ...copyIn('COPY copied FROM STDIN', ['1\tone\n2\t\\N\n', '3\tthree\n']),
    ...copyIn('COPY copied FROM STDIN', []),
    ...copyIn('COPY copied FROM STDIN (FORMAT csv, HEADER)', ['a,b\n', '4,"fo', 'ur, and ""more"""\n5,\n']),
    ...copyIn("COPY copied (b, a) FROM STDIN (DELIMITER '|')", ['six|6\n', 'seven|7']),
    ...copyIn('COPY copied FROM STDIN', ['8\teight\n', 'nine\tnine\n', '10\tten\n']),
    ...copyIn('COPY copied FROM STDIN', ['11\n']),
    ...copyIn('COPY copied FROM STDIN', ['12\ttwelve\n\\.\n']),
    until('G', query('COPY copied FROM STDIN')),
    batch(copyData('13\tthirteen\n'), copyFail('changed my mind')),
    until('G', query('COPY copied FROM STDIN; SELECT 1')),
    batch(copyData('14\tfourteen\n'), copyDone()),
    until('G', query('COPY copied FROM STDIN')),
    batch(copyDone()),
    simple('BEGIN'),
    ...copyIn('COPY copied FROM STDIN', ['15\tfifteen\n']),
    simple('ROLLBACK'),
    // Data right behind the question, as some drivers send it.
    batch(query('COPY copied FROM STDIN'), copyData('16\tsixteen\n'), copyDone()),
    // Data behind a question that fails: the server throws it away.
    batch(query('COPY no_such_table FROM STDIN'), copyData('1\n'), copyDone()),
    until('G', parse('COPY copied FROM STDIN'), bind(), describePortal(), execute(), sync()),
    batch(copyData('17\tseventeen\n'), copyDone(), sync()),
    batch(parse('COPY copied FROM STDIN'), bind(), execute(), copyData('18\teighteen\n'), copyDone(), sync()),
    until('G', parse('COPY copied FROM STDIN'), bind(), execute(), sync()),
    batch(copyFail('no'), sync()),
    ...copyIn(
      'COPY copied FROM STDIN',
      Array.from({ length: 300 }, (_, at) => `${at}\t${'y'.repeat(3000)}\n`),
    ),
    simple('SELECT a, length(b) FROM copied ORDER BY a, b NULLS FIRST'),
    simple('SELECT count(*), sum(a) FROM copied'),
  ],
}

function copyIn(text: string, rows: readonly string[]): Step[] {
  return [until('G', query(text)), batch(...rows.map(copyData), copyDone())]
}

/** A difference between direct and through that is intended. docs/compatibility.md lists the same names and reasons. */
export interface Explanation {
  /** Suite and output, such as `files/strings`. */
  readonly name: string
  readonly reason: string
  /** Where only servers of this major version differ. */
  readonly major?: number
  /** A matter of time: sometimes there is no difference. */
  readonly isOfChance?: true
  /** Matches each hunk of the difference: another one is not explained by it. */
  readonly like: RegExp
}

const standardStrings =
  /sallyport: standard_conforming_strings cannot be changed|when "?standard_conforming_strings"? is off|unsafe use of string constant|nonstandard use of \\\\|^\+invalid command \\$|^-\s+off\n\+\s+on$|\+ERROR: {2}syntax error at or near "' as f2, '"/m

const targetIsGone =
  /^@@ .* @@\n\+FATAL: {2}sallyport: the target closed the connection\n\+DETAIL: {2}code target\/closed, session ses_…\n$/

export const explanations: readonly Explanation[] = [
  {
    name: 'files/strings',
    reason:
      '`standard_conforming_strings` stays on: statements are judged by it, and what follows in the file is read with it',
    like: standardStrings,
  },
  {
    name: 'files/plpgsql',
    reason:
      '`standard_conforming_strings` stays on: the file ends with a function whose strings are read with it off',
    like: /sallyport: standard_conforming_strings cannot be changed|nonstandard use of \\\\|foo\\\\bar/,
  },
  {
    name: 'files/sqljson',
    major: 18,
    reason:
      'the suite is that of 18.6, and `IS JSON` of a string type that has no cast to text ends a server of 18.4, also directly: the gateway says so, and the server is awaited before the next file',
    like: targetIsGone,
  },
  {
    name: 'files/hash_part',
    major: 18,
    reason: 'the same: `satisfies_hash_partition` of a variadic null ends a server of 18.4',
    like: targetIsGone,
  },
  {
    name: 'files/uuid',
    major: 18,
    reason:
      'the suite is that of 18.6, and where that refuses to make a UUID of a time out of range, 18.4 makes one, with digits of chance',
    like: /^@@ .* @@\n- [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n\+ [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/,
  },
  {
    name: 'asyncpg/test_execute.py',
    isOfChance: true,
    reason:
      'what is on its way to the server is more than directly: `test_executemany_server_failure_during_writes` has mostly sent its 4 MiB before the error of its first row is back',
    like: failsThrough('test_execute.py::TestExecuteMany::test_executemany_server_failure_during_writes'),
  },
  {
    name: 'psycopg2/test_async.py',
    reason:
      'a statement of more than 1 MiB is not parsed: `test_flush_on_write` sends literals of up to 50 MiB, until a socket is full',
    like: failsThrough('test_async.py::AsyncTests::test_flush_on_write'),
  },
  {
    name: 'psycopg2/test_green.py',
    reason: 'the same',
    like: failsThrough('test_green.py::GreenTestCase::test_flush_on_write'),
  },
  {
    name: 'psycopg2/test_types_extras.py',
    reason:
      '`standard_conforming_strings` stays on: `test_scs` logs in with it off, to see how the driver then quotes',
    like: failsThrough('test_types_extras.py::JsonTestCase::test_scs'),
  },
]

/** One test, and no other beside it, that passes directly only. */
function failsThrough(test: string): RegExp {
  const name = `tests/${test}`.replaceAll('.', String.raw`\.`)
  return new RegExp(`^@@ .* @@\\n-${name} PASSED\\n\\+${name} FAILED\\n$`)
}

/** Those that hold for a server of this version. */
export function explanationsFor(version: string): readonly Explanation[] {
  return explanations.filter(({ major }) => major === undefined || major === Number.parseInt(version, 10))
}

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Postgres } from '../world/postgres.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import type { RouteName } from './route.ts'

/** What the measurements work on: pgbench's tables, and `bench_rows`, five columns of which three are text. */
export interface TestBed extends AsyncDisposable {
  readonly server: Postgres
  readonly database: string
  /** For files that belong to a measurement. */
  readonly directory: string
  /** The rows of `bench_rows` as COPY writes them. */
  readonly rowsFile: string
  /** Of each bulk transfer. */
  readonly megabytes: number
  /** How many rows `bench_rows` has. */
  readonly rows: number
  readonly rowsBytes: number
  /** What a route must give for all of `bench_rows`, by SELECT and by COPY. */
  answerTo(kind: 'SELECT' | 'COPY', route: RouteName): Expected
}

/** What an answer must consist of. */
export interface Expected {
  readonly rows: number
  readonly bytes: number
}

/** pgbench's scale: so many times 100,000 accounts. */
export const scale = 5
const bytesOfOneRow = 118
/** As the column `email` is masked: one length for all. */
const maskedEmail = '****@example.com'

export async function makeTestBed(server: Postgres, database: string, megabytes: number): Promise<TestBed> {
  await using rollback = new AsyncDisposableStack()
  const directory = rollback.use(await temporaryDirectory())
  await server.client('pgbench', ['-i', '-q', '-s', String(scale)], { database })
  const rows = Math.ceil((megabytes * 1_000_000) / bytesOfOneRow)
  await server.query(
    `CREATE UNLOGGED TABLE bench_rows AS
       SELECT n AS id, 'Person number ' || n AS name, 'person.' || n || '@example.com' AS email,
              md5(n::text) AS reference, timestamp '2025-01-01' + n * interval '1 second' AS seen_at
       FROM generate_series(1, ${rows}) n;
     CREATE UNLOGGED TABLE bench_in (LIKE bench_rows)`,
    database,
  )
  await server.query('VACUUM ANALYZE bench_rows, pgbench_accounts', database)
  const rowsFile = join(directory.path, 'rows')
  await server.psql(`\\copy bench_rows to '${rowsFile}'`, { database })
  const { size } = await stat(rowsFile)
  const [sums] = await server.query(
    'SELECT sum(octet_length(email))::int AS emails FROM bench_rows',
    database,
  )
  const hidden = Number(sums!['emails']) - rows * maskedEmail.length
  const life = rollback.move()
  return {
    server,
    database,
    directory: directory.path,
    rowsFile,
    megabytes,
    rows,
    rowsBytes: size,
    answerTo: (kind, route) => ({
      rows,
      bytes: (kind === 'COPY' ? size : size + rows * dataRowOverhead) - (route === 'masked' ? hidden : 0),
    }),
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
}

/** Five lengths and their count, in place of four tabs and the end of a line. Nothing in `bench_rows` is escaped. */
const dataRowOverhead = 2 + 5 * 4 - 5

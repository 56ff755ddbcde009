import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { environmentOf } from '../../../world/endpoint.ts'
import { clientPath, findClient, type ClientName } from '../../../world/postgres-binaries.ts'
import { startPostgres } from '../../../world/postgres.ts'
import { run } from '../../../world/process.ts'
import { loadSampleShop } from '../../../world/sample-shop/load.ts'
import { encodeTurns, type Turn } from './transcript.ts'
import { ready } from './words.ts'

const script = `\\set ON_ERROR_STOP 0
\\d customers
select * from customers limit 3;
select 1; select 1/0; select 2;
begin; savepoint a; selec; rollback to a; commit;
\\copy products (sku) to stdout
prepare p (int) as select name from products where id = $1; execute p (3); deallocate p;
begin; declare c cursor for select id from orders; fetch 2 from c; close c; commit;
select name from products where id = $1 \\bind 3 \\g
do $$ begin raise notice 'note'; end $$;
`

const programs: readonly (readonly [ClientName, readonly string[], input?: string])[] = [
  ['psql', ['-X', '-q'], script],
  ['pgbench', ['-i', '-q', '-s', '1']],
  ['pgbench', ['-t', '20', '-M', 'simple']],
  ['pgbench', ['-t', '20', '-M', 'extended']],
  ['pgbench', ['-t', '20', '-M', 'prepared']],
  ['pg_dump', ['--table', 'customers']],
]

/** What real clients and a real server say to each other after the log-in, one transcript a connection. */
export async function captureTraffic(): Promise<readonly Buffer[]> {
  await using server = await startPostgres({ databases: ['shop'] })
  await loadSampleShop(server.url({ database: 'shop' }))
  await using relay = await listeningRelay(server.port)
  for (const [name, args, input] of programs) {
    if (findClient(name) === undefined) continue
    const environment = environmentOf({ ...server.endpoint({ database: 'shop' }), port: relay.port })
    await run(clientPath(name), args, { environment, ...(input === undefined ? {} : { input }) })
  }
  return relay.connections
    .map(afterLogIn)
    .filter((turns) => turns.length > 0)
    .map(encodeTurns)
}

function afterLogIn(turns: readonly Turn[]): readonly Turn[] {
  const last = turns.findIndex(
    ({ side, bytes }) => side === 'server' && bytes.subarray(-6).equals(ready('I')),
  )
  return last === -1 ? [] : turns.slice(last + 1)
}

/** A relay that writes down what passes. */
async function listeningRelay(
  targetPort: number,
): Promise<AsyncDisposable & { readonly port: number; readonly connections: readonly Turn[][] }> {
  const connections: Turn[][] = []
  const join = (downstream: Socket): void => {
    const turns: Turn[] = []
    connections.push(turns)
    const upstream = connect(targetPort, '127.0.0.1')
    downstream
      .on('data', (bytes: Buffer) => turns.push({ side: 'client', bytes }))
      .on('error', () => upstream.destroy())
    upstream
      .on('data', (bytes: Buffer) => turns.push({ side: 'server', bytes }))
      .on('error', () => downstream.destroy())
    downstream.pipe(upstream).pipe(downstream)
  }
  const server = createServer(join).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port, // listening, on TCP
    connections,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

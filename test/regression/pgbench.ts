import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { environmentOf, type Endpoint } from '../world/endpoint.ts'
import { run } from '../world/process.ts'
import { temporaryDirectory } from '../world/temporary.ts'
import type { Arena, Route } from './arena.ts'
import type { Outputs } from './comparison.ts'
import type { Kit } from './kit.ts'

/** pgbench with its built-in scripts and with pipelines, in each protocol: what it reports, and what is in the tables after it. */
export async function runPgbench(
  kit: Kit,
  arena: Arena,
  route: Route,
  progress: (words: string) => void,
): Promise<Outputs> {
  await using place = await temporaryDirectory()
  const outputs = new Map<string, string>()
  for (const protocol of ['simple', 'extended', 'prepared']) {
    for (const { name, text, threads = 2 } of scripts) {
      if (text?.includes('pipeline') && protocol === 'simple') continue // pgbench does not offer it
      const database = `pgbench_${route}`
      await arena.server.dropDatabase(database)
      await arena.server.createDatabase(database)
      const endpoint = arena.endpoint(route, database)
      const script = join(place.path, name)
      if (text !== undefined) await writeFile(script, text)
      const what = text === undefined ? ['-b', name] : ['-f', script]
      const said = [
        await pgbench(kit, endpoint, ['-i', '-q', '-s', '1']),
        await pgbench(kit, endpoint, ['-n', '-c', '1', '-t', '100', ...common(protocol), ...what]),
        await pgbench(kit, endpoint, [
          '-n',
          '-c',
          '8',
          '-j',
          `${threads}`,
          '-t',
          '25',
          ...common(protocol),
          ...what,
        ]),
      ]
      const state = await arena.server.psql(tables, { database })
      outputs.set(`${name} ${protocol}`, `${said.join('')}${state}`.replaceAll(place.path, 'scripts'))
      progress(`${route} ${name} ${protocol}`)
    }
  }
  return outputs
}

/** By seed, what is updated is the same on every route. */
const common = (protocol: string) => ['-M', protocol, '--random-seed=7']

const scripts: readonly { readonly name: string; readonly text?: string; readonly threads?: number }[] = [
  { name: 'tpcb-like' },
  { name: 'simple-update' },
  { name: 'select-only' },
  {
    name: 'pipeline',
    text: `\\set aid random(1, 100000)
\\startpipeline
begin;
update pgbench_accounts set abalance = abalance + 1 where aid = :aid;
select abalance from pgbench_accounts where aid = :aid;
insert into pgbench_history (tid, bid, aid, delta, mtime) values (1, 1, :aid, 1, current_timestamp);
end;
\\endpipeline
`,
  },
  {
    name: 'error-in-pipeline',
    threads: 1, // several write their errors into each other's lines
    text: `\\startpipeline
insert into pgbench_history (tid, bid, aid, delta, mtime) values (2, 1, 1, 1, current_timestamp);
select 1 / 0;
insert into pgbench_history (tid, bid, aid, delta, mtime) values (3, 1, 1, 1, current_timestamp);
\\endpipeline
`,
  },
  {
    name: 'gset-and-conditions',
    text: `select count(*) as n, 'x''y' as word from pgbench_branches \\gset
\\if :n = 1
insert into pgbench_history (tid, bid, aid, delta, mtime, filler) values (4, :n, 1, 1, current_timestamp, :word);
\\endif
select 1 as a \\; select 2 as b \\aset
`,
  },
]

const tables = `
select 'branches', sum(bbalance) from pgbench_branches union all
select 'tellers', sum(tbalance) from pgbench_tellers union all
select 'accounts', sum(abalance * aid) from pgbench_accounts union all
select 'history', count(*) from pgbench_history union all
select 'deltas', sum(delta * tid) from pgbench_history`

async function pgbench(kit: Kit, endpoint: Endpoint, words: readonly string[]): Promise<string> {
  const environment = { ...environmentOf(endpoint), ...kit.environment }
  const { code, signal, stdout, stderr } = await run(kit.pgbench, words, { environment })
  const said = `${stdout}${stderr}`
    .split('\n')
    .filter((line) => !measured.test(line))
    .toSorted()
  return `${said.join('\n')}\nexit ${signal ?? code}\n`
}

/** Times, which are never the same. */
const measured =
  /^(latency|initial connection|tps|number of transactions above|done in|\d+ of \d+ tuples)|elapsed/

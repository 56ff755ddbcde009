import { startPostgres } from '/work/main/test/world/postgres.ts'
import { startSallyport, declarePostgres, unrestricted } from '/work/main/test/world/sallyport.ts'
import { environmentOf } from '/work/main/test/world/endpoint.ts'
import { run } from '/work/main/test/world/process.ts'
await using pg = await startPostgres({ flavour: 'system' })
await pg.createDatabase('shop')
await using s = await startSallyport({ allow: [`127.0.0.1:${pg.port}`] })
await declarePostgres(s, pg)
await s.apply(unrestricted)
const alice = await s.person('alice', ['unrestricted'])
const e = s.endpoint(alice, 'orders-db', 'shop')
console.log(JSON.stringify(e))
setTimeout(() => console.log('GW', s.gateway.output.slice(-3500), 'AG', s.agent.output.slice(-1500)), 8000)
const r = await run(
  'psql',
  ['-c', 'select 1 as one, current_user', '-c', 'create table t(a int)', '-c', 'select * from nope'],
  { environment: environmentOf(e) },
).catch((x) => x)
console.log(r)
console.log(s.gateway.output.slice(-3000))
if (process.argv[2] === 'wait') await new Promise(() => {})

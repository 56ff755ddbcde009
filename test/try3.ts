import { loadSampleShop } from './world/sample-shop/load.ts'
import { startPostgres } from './world/postgres.ts'
import { startSallyport, declarePostgres, unrestricted } from './world/sallyport.ts'
import { differential } from './wire/differential.ts'
import { scripts } from './wire/scripts.ts'
const flavour = process.argv[2] as 'system'
await using pg = await startPostgres({ flavour })
await pg.createDatabase('template')
await loadSampleShop(pg.url({ database: 'template' }))
await using s = await startSallyport({ allow: [`127.0.0.1:${pg.port}`] })
await declarePostgres(s, pg)
await s.apply(unrestricted)
const alice = await s.person('alice', ['unrestricted'])
const d = await differential(pg, 'template', s.endpoint(alice, 'orders-db', 'difference'), scripts)
console.log(d.length)
for (const x of d.slice(0, 25))
  console.log(x.script, x.step, '\n  D', x.direct.slice(0, 500), '\n  P', x.proxied.slice(0, 500))
console.log(
  s.gateway.output
    .split('\n')
    .filter((l) => /warn|error/.test(l))
    .slice(-10)
    .join('\n')
    .slice(0, 3000),
)

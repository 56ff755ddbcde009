import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { Secret } from '@sallyport/core'
import { startPostgres } from './world/postgres.ts'
import { logIn } from '../packages/postgres/src/login/upstream.ts'
await using pg = await startPostgres({ flavour: 'system' })
const target = {
  host: '127.0.0.1',
  tls: { mode: 'verify-full' as const, ca: pg.authority, servername: 'localhost' },
}
for (const wrap of [false, true]) {
  const raw = connect({ port: pg.port, host: '127.0.0.1' })
  const s = wrap ? Duplex.from({ readable: raw, writable: raw }) : raw
  const signal = AbortSignal.timeout(5000)
  try {
    const r = await logIn(
      s,
      target,
      { user: pg.user, password: new Secret(pg.password) },
      { database: 'postgres' },
      signal,
    )
    console.log(wrap, [...r.parameters.keys()].length)
  } catch (e) {
    console.log(wrap, e)
  }
  raw.destroy()
}

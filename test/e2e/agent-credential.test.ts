import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { startPostgres } from '../world/postgres.ts'
import { startNode } from '../world/process.ts'
import { query } from '../world/raw-messages.ts'
import { RawPostgres } from '../world/raw-postgres.ts'
import { declarePostgres, startSallyport, unrestricted } from '../world/sallyport.ts'

test("a target's credential can stay with the agent: the gateway asks for it, a session at a time", async () => {
  await using server = await startPostgres({ databases: ['shop'] })
  await using sallyport = await startSallyport({ allow: [] })
  const { token } = await sallyport.admin.client.joinTokens.create({ pool: 'far', uses: 1 })
  const config = join(sallyport.directory, 'far.yaml')
  await writeFile(
    config,
    stringify({
      gateways: [`localhost:${sallyport.ports.agents}`],
      token,
      stateDirectory: join(sallyport.directory, 'far'),
      allow: [`127.0.0.1:${server.port}`],
      credentials: [
        { name: 'held', resources: ['orders-db'], user: server.user, password: 'env:FAR_PASSWORD' },
      ],
    }),
  )
  const cli = new URL('../../packages/cli/src/main.ts', import.meta.url)
  await using agent = await startNode(cli, ['agent', '--config', config], {
    directory: sallyport.directory,
    environment: { ...process.env, FAR_PASSWORD: server.password },
  })
  await agent.line(/attached/)
  const accounts = [{ name: server.user, credential: { from: 'agent', name: 'held' } as const }]
  await declarePostgres(sallyport, server, { agent: 'far', accounts })
  await declarePostgres(sallyport, server, { name: 'other-db', agent: 'far', accounts })
  await sallyport.apply(unrestricted)
  const alice = await sallyport.person('alice', ['unrestricted'])

  await using client = await RawPostgres.connect(sallyport.endpoint(alice, 'orders-db', 'shop'))
  client.send(query('select 1'))
  expect((await client.untilReady()).map(({ tag }) => tag)).toEqual(['T', 'D', 'C', 'Z'])

  const other = await RawPostgres.connect(sallyport.endpoint(alice, 'other-db', 'shop')).then(
    () => 'let in',
    (thrown: Error) => thrown.message,
  )
  expect(other).toMatch(/^08004 sallyport: /)
  for (const { output } of [agent, sallyport.gateway]) expect(output).not.toContain(server.password)
})

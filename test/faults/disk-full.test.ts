import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startPostgres } from '../world/postgres.ts'
import { query } from '../world/raw-messages.ts'
import { fieldsOf, RawPostgres } from '../world/raw-postgres.ts'
import { declarePostgres, startSallyport, unrestricted } from '../world/sallyport.ts'
import { temporaryDirectory } from '../world/temporary.ts'

/** A small file system of its own: only root may mount one, and not in every container. */
function mountSmall(path: string): boolean {
  try {
    mkdirSync(path)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', path], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('when the disk is full, sessions end with words, and nothing runs unrecorded', async ({ skip }) => {
  await using directory = await temporaryDirectory()
  const small = join(directory.path, 'small')
  skip(!mountSmall(small), 'this machine does not let the test mount a file system')
  try {
    await using server = await startPostgres({ databases: ['shop'] })
    await using sallyport = await startSallyport({
      allow: [`127.0.0.1:${server.port}`],
      gateway: { dataDirectory: join(small, 'data') },
    })
    await declarePostgres(sallyport, server)
    await sallyport.apply(unrestricted)
    const alice = await sallyport.person('alice', ['unrestricted'])
    const endpoint = sallyport.endpoint(alice, 'orders-db', 'shop')
    await server.query('create table done (n int)', 'shop')

    await using client = await RawPostgres.connect(endpoint)
    // What does not compress fills the disk soonest.
    const noise = (n: number): string =>
      Array.from({ length: 4_000 }, (_, i) =>
        Math.sin(n * 4_001 + i)
          .toString(36)
          .slice(2),
      ).join('')
    let acknowledged = 0
    let ended: string | undefined
    while (ended === undefined && acknowledged < 2_000) {
      client.send(query(`insert into done values (${acknowledged}) -- ${noise(acknowledged)}`))
      const last = await client.until(({ tag }) => tag === 'Z' || tag === 'E')
      const error = last.find(({ tag }) => tag === 'E')
      if (error === undefined) acknowledged++
      else ended = fieldsOf(error)['C']
    }
    expect(ended).toBe('58030')
    expect(acknowledged).toBeGreaterThan(10)
    const [{ count } = {}] = await server.query('select count(*) from done', 'shop')
    expect(Number(count)).toBe(acknowledged)

    const refused = await RawPostgres.connect(endpoint).then(
      () => 'let in',
      (thrown: Error) => thrown.message,
    )
    expect(refused).toMatch(/^58030 sallyport: /)
    expect((await server.query('select count(*) from done', 'shop'))[0]?.['count']).toBe(count)
  } finally {
    execFileSync('umount', ['-l', small])
  }
})

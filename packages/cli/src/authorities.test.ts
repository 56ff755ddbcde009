import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { password, sallyport, startAskedGateway } from './testing/commands.ts'

test('authorities of targets are printed for them, and one takes the place of another in three steps', async () => {
  await using asked = await startAskedGateway()
  const { gateway, root } = asked
  const fingerprint = gateway.authority!.fingerprint
  const setUp = ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint]
  await sallyport(setUp, root, password)
  const run = (verb: string) => sallyport(['authorities', verb], root)
  const printed = async (): Promise<string[]> =>
    ((await run('print')).out.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
      (pem) => new X509Certificate(pem).fingerprint256,
    )

  const [first] = await printed()
  expect((await run('ls')).out).toMatch(/^[0-9a-f]{64} +signs +in \d+ d/m)
  expect(await run('switch')).toMatchObject({ code: 1, err: expect.stringContaining('none that waits') })
  expect(await run('prepare')).toMatchObject({ code: 0 })
  expect(await run('prepare')).toMatchObject({ code: 1, err: expect.stringContaining('two authorities') })
  const both = await printed()
  expect(both).toHaveLength(2)
  expect(both[0]).toBe(first)
  expect(await run('switch')).toMatchObject({ code: 0 })
  expect(await printed()).toEqual(both.toReversed())
  expect(await run('retire')).toMatchObject({ code: 0 })
  expect(await printed()).toEqual([both[1]])
}, 60_000)

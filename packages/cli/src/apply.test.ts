import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ordersFile, password, sallyport, startAskedGateway } from './testing/commands.ts'

test('apply tells what the gateway does not accept with file, line and column, and what it takes with redactors', async () => {
  await using asked = await startAskedGateway()
  const { directory, gateway, root } = asked
  const fingerprint = gateway.authority!.fingerprint
  const setUp = ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint]
  expect(await sallyport(setUp, root, password)).toMatchObject({ code: 0 })
  const file = join(directory, 'orders.yaml')
  const apply = async (masking: string) => {
    await writeFile(file, `${ordersFile}masking:\n  ${masking}\n`)
    return await sallyport(['apply', '-f', file, '--yes'], root)
  }

  expect(await apply('columns: { email: pii.email }')).toMatchObject({
    code: 2,
    err: `error: the documents do not stand\n${file}:12:21 masking.columns.email: name it schema.table.column\n`,
  })
  expect(await apply('detectors: [emial]')).toMatchObject({
    code: 2,
    err: expect.stringContaining(
      `${file}:12:14 masking.detectors: there is no detector emial; did you mean email?`,
    ) as string,
  })
  const redactors = 'columns: { public.t.c: { tags: pii.phone, redactor: { keep-last: 2 } } }'
  expect(await apply(redactors)).toMatchObject({ code: 0 })
  const again = await apply(redactors.replace('keep-last: 2', 'keep-last: 4'))
  expect(again.err).toContain('masking.columns.public.t.c.redactor: {"keep-last":2} → "keep-last-4"')
  expect((await apply(redactors.replace('{ keep-last: 2 }', 'keep-last-4'))).out).toContain('Nothing to do')
})

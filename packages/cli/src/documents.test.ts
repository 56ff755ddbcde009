import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiError } from '@sallyport/api'
import { afterAll, expect, test } from 'vitest'
import { readDocuments } from './documents.ts'

/** Ten times ten times ten… */
const unfolding = ['b', 'c', 'd', 'e', 'f', 'g', 'h']
  .map((name, i) => `${name}: &${name} [${`*${'abcdefg'[i]}, `.repeat(10)}]\n`)
  .join('')

const directory = mkdtempSync(join(tmpdir(), 'sallyport-documents-'))
afterAll(() => rmSync(directory, { recursive: true }))

test.each([
  ['an alias without its anchor', 'kind: User\nname: *nowhere\n', 'Unresolved alias'],
  ['an alias that unfolds without end', `a: &a [x, x]\n${unfolding}`, 'Excessive alias count'],
])('%s is a mistake in its file, told with its place', async (_, text, why) => {
  const file = join(directory, 'documents.yaml')
  writeFileSync(file, text)
  await expect(readDocuments([file], {})).rejects.toThrow(new RegExp(`documents\\.yaml:1:1 ${why}`))
})

const words = 'use full, keep-last-4, keep-domain, hash, null, digits, { keep-last: 1 to 16 } or { fixed:'
test.each([
  ['redactors: { pii.a: last-four }', `8:32 masking.redactors.pii.a: ${words}`],
  ['redactors: { pii.a: { keep-last: 17 } }', '8:45 masking.redactors.pii.a.keep-last: keep 1 to 16'],
  ['redactors: { pii.a: { fixed: 0 } }', 'numbers stand in quotes'],
  ['redactors: { Email: hash }', '8:32 masking.redactors.Email: a tag: use words with dots between'],
  ['columns: { public.a.b: 7 }', '8:35 masking.columns.public.a.b: name its tag, a list of tags, or { tags,'],
  [
    'columns: { public.a.b: { tags: PII } }',
    '8:35 masking.columns.public.a.b: tags: use words with dots between, such as',
  ],
  [
    'columns: { public.a.b: { tags: pii.a, redactor: mask } }',
    `8:35 masking.columns.public.a.b: redactor: ${words}`,
  ],
  ['columns: { public.a.b: { tag: pii.a } }', 'tag is not known here: write { tags: …, redactor: … }'],
])('masking that says %s is told where, and what to write', async (text, why) => {
  const file = join(directory, 'masking.yaml')
  writeFileSync(file, resourceWith(text))
  await expect(readDocuments([file], {})).rejects.toThrow(why)
})

test('what the gateway does not accept is told with its place as well', async () => {
  const file = join(directory, 'resources.yaml')
  const policy = join(directory, 'first.cedar')
  writeFileSync(file, resourceWith('columns: { email: pii.email }'))
  writeFileSync(policy, '')
  const { places } = await readDocuments([policy, file], {})
  const told = (...errors: { path: string; message: string }[]) =>
    places.told(new ApiError({ status: 400, code: 'invalid-request', detail: 'no', errors })) as Error
  const misnamed = { path: 'documents.1.masking.columns.email', message: 'name it schema.table.column' }
  expect(told(misnamed).message).toBe(
    `the documents do not stand\n${file}:8:30 masking.columns.email: name it schema.table.column`,
  )
  expect(told({ path: 'documents.1.accounts.0.credential', message: 'gone' }).message).toContain(
    `${file}:7:30 accounts.0.credential: gone`,
  )
  expect(told({ path: 'documents.1', message: 'declared twice' }).message).toContain(`${file}:1:1 document:`)
  expect(told({ path: 'documents.0.text', message: 'x' }).message).toContain(`${policy} text: x`)
  expect(told(misnamed, { path: 'elsewhere', message: 'x' }).message).toBe('invalid-request: no')
  expect(places.told('other')).toBe('other')
})

function resourceWith(masking: string): string {
  return `kind: Resource
name: orders-db
protocol: postgres
host: 127.0.0.1
agent: local
accounts:
  - { name: app, credential: { from: sealed, name: orders-db } }
masking: { ${masking} }
`
}

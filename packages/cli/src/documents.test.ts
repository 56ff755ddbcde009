import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

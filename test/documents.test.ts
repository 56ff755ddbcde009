import { readdir, readFile } from 'node:fs/promises'
import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { signatureOf } from '../packages/gateway/src/webhooks/signature.ts'
import { explanations } from './regression/explanations.ts'

const root = new URL('../', import.meta.url)

test('README leads to every page', async () => {
  const readme = await readFile(new URL('README.md', root), 'utf8')
  const pages = (await readdir(new URL('docs/', root))).filter((name) => name.endsWith('.md'))
  expect(pages.length).toBeGreaterThan(20)
  expect(pages.filter((page) => !readme.includes(`(docs/${page}`))).toEqual([])
})

test('every error code is documented with its SQLSTATE, and no other is', async () => {
  const page = await readFile(new URL('docs/errors.md', root), 'utf8')
  const documented = [...page.matchAll(/^\| `([a-z/-]+)` \| (\w{5}) \|/gm)].map(
    ([, code, state]) => `${code} ${state}`,
  )
  const wording = await readFile(new URL('packages/postgres/src/wording.ts', root), 'utf8')
  const worded = [...wording.matchAll(/^ {2}'?([a-z/-]+)'?: '(\w{5})',$/gm)].map(
    ([, code, state]) => `${code} ${state}`,
  )
  expect(worded.length).toBeGreaterThan(30)
  expect(documented.toSorted()).toEqual(worded.toSorted())
})

test('every explained difference from a direct connection is documented, and no other is', async () => {
  const page = await readFile(new URL('docs/compatibility.md', root), 'utf8')
  const differences = page.slice(page.indexOf('## Differences'))
  const documented = [...differences.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(
    ([, name, reason]) => `${name}: ${reason}`,
  )
  expect(documented.toSorted()).toEqual(
    explanations.map(({ name, reason }) => `${name}: ${reason}`).toSorted(),
  )
})

test('every kind of statement is documented with its actions, and no other is', async () => {
  const page = await readFile(new URL('docs/statements.md', root), 'utf8')
  const kinds = page.slice(page.indexOf('## Kinds'), page.indexOf('## What adds'))
  const documented = [...kinds.matchAll(/^\| `(\w+)` \| .+ \| (.*) \|$/gm)].map(
    ([, kind, does = '']) =>
      `${kind}: ${Array.from(does.matchAll(/`(\w+)`/g), ([, action]) => action).join(' ')}`,
  )
  const table = await readFile(new URL('packages/postgres/src/facts/statements.ts', root), 'utf8')
  const known = [...table.matchAll(/^ {2}\w+: \['(\w+)'((?:, '\w+')*)\],$/gm)].map(
    ([, kind = '', does = '']) => {
      const actions = Array.from(does.matchAll(/'(\w+)'/g), ([, action]) => action)
      return `${kind}: ${[...actions, ...(moreActions[kind] ?? [])].join(' ')}`
    },
  )
  expect(known.length).toBeGreaterThan(110)
  expect(new Set(documented)).toEqual(new Set([...known, 'unparsed: unparsed']))
})

/** Of kinds whose actions follow from more than the kind. */
const moreActions: Readonly<Record<string, readonly string[]>> = {
  select: ['read', 'ddl'],
  explain: ['read'],
  copy: ['read', 'insert', 'admin', 'copy_program'],
}

test('the example that checks a webhook’s signature takes ours, and no other', async () => {
  const page = await readFile(new URL('docs/webhooks.md', root), 'utf8')
  const example = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  const { isFromSallyport } = (await import(`data:text/javascript,${encodeURIComponent(example)}`)) as {
    isFromSallyport: (headers: object, body: Buffer, secret: string, now?: number) => boolean
  }
  const body = '{"ü":1}'
  const headers = {
    'sallyport-timestamp': '1767225600',
    'sallyport-signature': signatureOf(new Secret('s'), 1_767_225_600, body),
  }
  const at = 1_767_225_700
  expect(isFromSallyport(headers, Buffer.from(body), 's', at)).toBe(true)
  expect(isFromSallyport(headers, Buffer.from(body), 't', at)).toBe(false)
  expect(isFromSallyport(headers, Buffer.from('{"u":1}'), 's', at)).toBe(false)
  expect(isFromSallyport(headers, Buffer.from(body), 's', at + 300)).toBe(false)
  expect(
    isFromSallyport({ ...headers, 'sallyport-timestamp': '1767225601' }, Buffer.from(body), 's', at),
  ).toBe(false)
  expect(isFromSallyport({}, Buffer.from(body), 's', at)).toBe(false)
})

test('every redactor is documented, and no other is', async () => {
  const page = await readFile(new URL('docs/masking.md', root), 'utf8')
  const table = page.slice(page.indexOf('## Redactors'), page.indexOf('## Which one holds'))
  const documented = Array.from(table.matchAll(/^\| `\{? ?([a-z\d-]+)[^`]*` \|/gm), ([, name]) => name)
  const source = await readFile(new URL('packages/api/src/masking.ts', root), 'utf8')
  const [, words = ''] = /redactorWords = \[(.*?)\]/s.exec(source) ?? []
  const forms = Array.from(
    source.matchAll(/strictObject\(\{\s*(?:'([a-z-]+)'|(fixed)):/g),
    ([, a, b]) => a ?? b,
  )
  const known = [...Array.from(words.matchAll(/'([a-z\d-]+)'/g), ([, name]) => name), ...forms]
  expect(known).toHaveLength(8)
  expect(new Set(documented)).toEqual(new Set(known))
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { password, sallyport, startAskedGateway, type AskedGateway } from './testing/commands.ts'

describe('the audit log at the command line', () => {
  let asked: AskedGateway
  let exported = ''
  beforeAll(async () => {
    asked = await startAskedGateway()
    const { gateway, root } = asked
    const fingerprint = gateway.authority!.fingerprint
    await sallyport(
      ['login', '--setup', gateway.setupUrl!, '--user', 'root', '--fingerprint', fingerprint],
      root,
      password,
    )
    await sallyport(['users', 'add', 'carol'], root)
    exported = (await sallyport(['audit', 'export'], root)).out
  }, 60_000)
  afterAll(() => asked[Symbol.asyncDispose]())

  test('is listed, with what each entry is about', async () => {
    const { out, code } = await sallyport(['audit'], asked.root)
    expect(code).toBe(0)
    expect(out).toMatch(/^NO\. +WHEN +KIND +BY +FROM +WHAT/)
    expect(out).toMatch(/^\d+ .* user +user:root +127\.0\.0\.1 +user carol created/m)
  })

  test('is exported whole or from an entry on, as lines of JSON or of syslog', async () => {
    const entries = exported
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; hash: string })
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
    const later = await sallyport(['audit', 'export', '--from', '2'], asked.root)
    expect(later.out.startsWith('{"seq":2,')).toBe(true)
    const syslog = await sallyport(['audit', 'export', '--format', 'syslog'], asked.root)
    expect(syslog.out).toMatch(/^<109>1 \S+ localhost sallyport - \S+ \[audit@32473 seq="1" /)
    expect((await sallyport(['audit', 'export', '--format', 'xml'], asked.root)).code).toBe(2)
  })

  test('is verified at the gateway, and from a file without one', async () => {
    const file = join(asked.directory, 'audit.jsonl')
    await writeFile(file, exported)
    const head = (JSON.parse(exported.trim().split('\n').at(-1) ?? '') as { hash: string }).hash
    const alone = await sallyport(['audit', 'verify', file])
    expect(alone).toMatchObject({ code: 0 })
    expect(alone.out).toContain(`head ${head}`)
    expect((await sallyport(['audit', 'verify', '--head', head], asked.root)).code).toBe(0)
    expect((await sallyport(['audit', 'verify'], asked.root)).out).toMatch(
      /^Sound: \d+ entries, head [0-9a-f]{64}/,
    )
    expect((await sallyport(['audit', 'verify', file, '--head', '0'.repeat(64)])).code).toBe(1)
  })

  test('shows in a file what was altered, left out or cut off, and takes what was sent twice once', async () => {
    const file = join(asked.directory, 'altered.jsonl')
    const lines = exported.trim().split('\n')
    const verified = async (content: readonly string[], ...more: readonly string[]) => {
      await writeFile(file, `${content.join('\n')}\n`)
      return sallyport(['audit', 'verify', file, ...more])
    }
    const altered = lines.with(1, (lines[1] ?? '').replace('"at":1', '"at":2'))
    const shown = await verified(altered)
    expect(shown.code).toBe(1)
    expect(shown.err).toContain('entry 2 does not follow')
    expect((await verified(lines.toSpliced(1, 1))).code).toBe(1)
    expect((await verified(lines.slice(1))).code).toBe(0)
    expect((await verified(lines.toSpliced(2, 0, lines[0] ?? '', lines[1] ?? ''))).code).toBe(0)
    const head = (JSON.parse(lines.at(-1) ?? '') as { hash: string }).hash
    expect((await verified(lines.slice(0, -1))).code).toBe(0)
    expect((await verified(lines.slice(0, -1), '--head', head)).err).toContain('entries are missing')
    expect((await verified(['no json'])).code).toBe(2)
    expect((await sallyport(['audit', 'verify', join(asked.directory, 'nowhere')])).code).toBe(2)
  })
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Document } from '@sallyport/api'
import { detectors } from '@sallyport/masking'
import { postgres } from '@sallyport/postgres'
import { systemClock } from '@sallyport/core'
import { readDocuments } from '../../../packages/cli/src/documents.ts'
import { Failure } from '../../../packages/cli/src/failure.ts'
import { resourceOf } from '../../../packages/gateway/src/apply/resource-document.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: a file of documents for `sallyport apply`. */
export const target: Target = {
  name: 'documents',
  promise: 'any file of documents is read and understood, or what is wrong in it is said',
  unit: 'inputs',
  units: { long: 50_000, short: 150 },
  guide: /packages\/(cli\/src\/documents|gateway\/src\/apply|api\/src|postgres\/src\/options)/,
  maxBytes: 8 * 1024,
  slowMs: 1_000,
  open: () => Promise.resolve(new Documents()),
}

class Documents implements Subject {
  readonly seeds = [
    example,
    'kind: User\nname: a\ngroups: [b]\n',
    'a: *b\n',
    'x: &x [*x, *x]\n',
    '',
    '---\n---\n',
    '[]',
    '- a',
  ].map((text) => Buffer.from(text))
  readonly words = [
    'kind: ', 'Resource', 'Policy', 'Credential', 'User', 'name: ', 'password: env:HOME', 'password: file:/etc/hostname', 'accounts: ', '{ from: sealed, name: x }',
    'masking: ', 'columns: ', 'a.b.c: pii.email', 'detectors: [email, nosuch]', 'redactors: ', '{ fixed: "x" }', '{ keep-last: 3 }', '{ tags: a.b, redactor: hash }', 'options: ', 'tls: { mode: disable }', 'port: ',
    '&a ', '*a', '<<: *a', '---\n', '__proto__: ', '!!set ', '!!omap ', '!!binary ', '? ', '|\n  ', 'null', '-1', '1e400', '"\\u0000"',
  ].map((text) => Buffer.from(text)) // prettier-ignore
  readonly #protocol = postgres({ clock: systemClock, maskKey: Buffer.alloc(32) })
  readonly #directory = mkdtempSync(join(tmpdir(), 'sallyport-fuzz-'))

  readonly run = async (input: Buffer): Promise<number> => {
    const file = join(this.#directory, 'documents.yaml')
    writeFileSync(file, input)
    try {
      const { documents } = await readDocuments([file], { HOME: 'x' })
      for (const read of documents) {
        const document = Document.parse(read)
        if (document.kind !== 'Resource') continue
        const resource = resourceOf(document, {
          protocols: [this.#protocol],
          detectors: Object.keys(detectors),
          stores: new Map([['vault', 'vault']]),
        })
        if (Array.isArray(resource)) must(resource.length > 0, () => 'refused without a reason')
      }
    } catch (thrown) {
      if (!(thrown instanceof Failure)) throw thrown
      must(thrown.message.includes('\n'), () => 'refused without a reason')
    }
    must(!('polluted' in {}), () => 'a prototype was changed')
    return 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#directory, { recursive: true })
    await this.#protocol[Symbol.asyncDispose]()
  }
}

/** The one in the README. */
const [, example = ''] =
  /```yaml\n([^`]+)```/.exec(readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')) ?? []

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { Document, type DocumentInput } from '@sallyport/api'
import { LineCounter, parseAllDocuments } from 'yaml'
import { DocumentPlaces } from './document-places.ts'
import { exit, Failure } from './failure.ts'

/**
 * Documents out of files and folders: YAML (several in one file), and Cedar files, each a policy by its file's name.
 * Values of credentials are references (`env:NAME`, `file:PATH`), resolved here: the gateway gets the secret, files do not.
 * @param environment or `without secrets`, where only policies are asked: then credentials are left out, and no secret is read
 * @throws Failure that lists file, line and fix of everything that is wrong
 */
export async function readDocuments(
  paths: readonly string[],
  environment: Environment,
): Promise<ReadDocuments> {
  const problems: string[] = []
  const documents: DocumentInput[] = []
  const places = new DocumentPlaces()
  for (const path of (await Promise.all(paths.map(filesOf))).flat()) {
    const text = await readFile(path, 'utf8')
    if (extname(path) === '.cedar') {
      documents.push({ kind: 'Policy', name: basename(path, '.cedar'), text })
      places.add({ file: path })
    } else documents.push(...(await yamlDocuments(path, text, environment, { problems, places })))
  }
  if (problems.length > 0)
    throw new Failure(`the documents do not stand\n${problems.join('\n')}`, { exitCode: exit.usage })
  return { documents, places }
}

export interface ReadDocuments {
  readonly documents: readonly DocumentInput[]
  readonly places: DocumentPlaces
}

type Environment = Readonly<Record<string, string | undefined>> | 'without secrets'

async function filesOf(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new Failure(`no such file: ${path}`, { exitCode: exit.usage })
  if (!found.isDirectory()) return [path]
  const names = await readdir(path)
  return names
    .filter((name) => /\.(ya?ml|cedar)$/.test(name) && !name.endsWith('.cases.yaml'))
    .toSorted()
    .map((name) => join(path, name))
}

async function yamlDocuments(
  path: string,
  text: string,
  environment: Environment,
  { problems, places }: { readonly problems: string[]; readonly places: DocumentPlaces },
): Promise<readonly DocumentInput[]> {
  const lines = new LineCounter()
  const documents: DocumentInput[] = []
  for (const yaml of parseAllDocuments(text, { lineCounter: lines })) {
    const place = (offset: number | undefined): string => {
      const { line, col } = lines.linePos(offset ?? 0)
      return `${path}:${line}:${col}`
    }
    for (const error of yaml.errors) problems.push(`${place(error.pos[0])} ${error.message.split('\n')[0]}`)
    if (yaml.errors.length > 0 || yaml.contents === null) continue
    let value: unknown
    try {
      value = yaml.toJS()
    } catch (error) {
      // An alias without its anchor, or one that unfolds without end.
      const why = error instanceof Error ? error.message.split('\n', 1)[0] : 'it cannot be read'
      problems.push(`${place(yaml.contents.range?.[0])} ${why}`)
      continue
    }
    const parsed = Document.safeParse(value)
    if (!parsed.success) {
      for (const issue of parsed.error.issues) {
        const node = yaml.getIn(issue.path as (string | number)[], true) as { range?: [number] } | undefined
        problems.push(
          `${place(node?.range?.[0] ?? yaml.range[0])} ${issue.path.join('.') || 'document'}: ${issue.message}`,
        )
      }
      continue
    }
    if (environment === 'without secrets' && parsed.data.kind === 'Credential') continue
    places.add({ file: path, yaml: { document: yaml, lines } })
    if (environment === 'without secrets') {
      documents.push(parsed.data)
      continue
    }
    documents.push(await resolved(parsed.data, environment, place(yaml.contents.range?.[0]), problems))
  }
  return documents
}

/** With the secret in place of its reference. */
async function resolved(
  document: Document,
  environment: Readonly<Record<string, string | undefined>>,
  place: string,
  problems: string[],
): Promise<DocumentInput> {
  if (document.kind !== 'Credential') return document
  const [, kind, reference = ''] = /^(env|file):(.+)$/.exec(document.password) ?? []
  if (kind === undefined) {
    problems.push(`${place} password: secrets stand elsewhere; use env:NAME or file:PATH`)
    return document
  }
  const read = async (): Promise<string | undefined> =>
    kind === 'env' ? environment[reference] : (await readFile(reference, 'utf8')).replace(/\r?\n$/, '')
  const value = await read().catch(() => undefined)
  if (value === undefined || value === '')
    problems.push(`${place} password: ${kind}:${reference} is not there, or empty`)
  return { ...document, password: value ?? '' }
}

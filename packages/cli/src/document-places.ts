import { ApiError } from '@sallyport/api'
import { isMap, isScalar, isSeq, type Document as YamlDocument, type LineCounter, type Node } from 'yaml'
import { exit, Failure } from './failure.ts'

interface Place {
  readonly file: string
  readonly yaml?: { readonly document: YamlDocument; readonly lines: LineCounter }
}

/** Where each of the documents that were read stands, for who finds fault with them later. */
export class DocumentPlaces {
  readonly #places: Place[] = []

  /** The next document's. */
  add(place: Place): void {
    this.#places.push(place)
  }

  /** What the gateway does not accept, told by file, line and column; anything else as it is. */
  told(thrown: unknown): unknown {
    if (!(thrown instanceof ApiError)) return thrown
    const problems = thrown.errors.map(({ path, message }) => {
      const [, index, rest = ''] = /^documents\.(\d+)(?:\.(.*))?$/s.exec(path) ?? []
      const place = index === undefined ? undefined : this.#places[Number(index)]
      return place && `${shown(place, rest)} ${rest || 'document'}: ${message}`
    })
    const placed = problems.filter((problem) => problem !== undefined)
    if (placed.length === 0 || placed.length < problems.length) return thrown
    return new Failure(`the documents do not stand\n${placed.join('\n')}`, {
      exitCode: exit.usage,
      ...(thrown.next !== undefined && { next: thrown.next }),
    })
  }
}

function shown({ file, yaml }: Place, path: string): string {
  if (yaml === undefined) return file
  const { contents, range } = yaml.document
  const offset = nodeAt(contents, path)?.range?.[0] ?? range?.[0] ?? 0
  const { line, col } = yaml.lines.linePos(offset)
  return `${file}:${line}:${col}`
}

/** By keys with dots between, in which there may be dots as well; as far as it goes. */
function nodeAt(node: unknown, path: string): Node | undefined {
  const here = isMap(node) || isSeq(node) || isScalar(node) ? node : undefined
  if (path === '') return here
  const steps: readonly (readonly [key: string, value: unknown])[] = isMap(node)
    ? node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', value])
    : isSeq(node)
      ? node.items.map((value, i) => [String(i), value])
      : []
  const [step] = steps
    .filter(([key]) => path === key || path.startsWith(`${key}.`))
    .toSorted(([one], [other]) => other.length - one.length)
  return step === undefined ? here : nodeAt(step[1], path.slice(step[0].length + 1))
}

/** An element of a document that was read by {@link readXml}. */
export interface XmlElement {
  /** Without its prefix. */
  readonly name: string
  /** `''` where it is in none. */
  readonly namespace: string
  /** By local name, of those in no namespace. */
  readonly attributes: ReadonlyMap<string, string>
  /** Of those in a namespace, by any name. */
  readonly foreign: readonly { readonly name: string; readonly value: string }[]
  readonly children: readonly XmlElement[]
  /** All that stands between its tags and is no element. */
  readonly text: string
}

/** It is not XML, or more than is taken of it. The message says what, and quotes nothing. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

/**
 * Reads a document of the plain XML that SAML is written in, and refuses what the same text could be used for to say two things to two
 * readers: document types and entities, comments, CDATA, processing instructions, prefixes that are not declared, attributes that stand
 * twice, other encodings than UTF-8. No entity is expanded but the five of XML itself and characters by their number.
 * @throws XmlError
 * @see Extensible Markup Language (XML) 1.0, Namespaces in XML 1.0
 */
export function readXml(bytes: Uint8Array): XmlElement {
  if (bytes.byteLength > maxXmlBytes) throw new XmlError(`it has more than ${maxXmlBytes} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new XmlError('it is not UTF-8')
  }
  return new Reader(text).document()
}

class Reader {
  readonly #text: string
  #at = 0
  #elements = 0

  constructor(text: string) {
    // Section 2.11: whoever reads XML sees line feeds alone.
    this.#text = text.replaceAll(/\r\n?/g, '\n')
    if (illegal.test(this.#text)) throw new XmlError('there is a character in it that XML does not have')
  }

  document(): XmlElement {
    this.#take(declaration)
    this.#take(space)
    const root = this.#element(xmlNamespaces, 1)
    this.#take(space)
    if (this.#at !== this.#text.length) throw new XmlError('something follows its end')
    return root
  }

  /** @param scope namespaces by prefix, that of no prefix under `''` */
  #element(outer: ReadonlyMap<string, string>, depth: number): XmlElement {
    if (depth > maxDepth) throw new XmlError(`elements are nested more than ${maxDepth} deep`)
    if (++this.#elements > maxElements) throw new XmlError(`there are more than ${maxElements} elements`)
    const name = this.#take(opening)?.groups?.['name']
    if (name === undefined)
      throw new XmlError(
        this.#text.startsWith('<!', this.#at) || this.#text.startsWith('<?', this.#at)
          ? 'a document type, a comment, CDATA or an instruction is in it'
          : 'an element was expected',
      )
    const written = this.#attributes()
    const scope = scopeOf(outer, written)
    const end = this.#take(/[ \t\n]*\/?>/y)?.[0]
    if (end === undefined) throw new XmlError('a tag does not end')
    const inside = end.endsWith('/>') ? { children: [], text: '' } : this.#inside(name, scope, depth)
    return { ...named(name, scope), ...attributesIn(written, scope), ...inside }
  }

  #attributes(): ReadonlyMap<string, string> {
    const written = new Map<string, string>()
    for (let found = this.#take(attribute); found !== undefined; found = this.#take(attribute)) {
      const { name = '', double, single } = found.groups ?? {}
      if (written.has(name)) throw new XmlError('an attribute stands twice')
      if (written.size >= maxAttributes)
        throw new XmlError(`an element has more than ${maxAttributes} attributes`)
      written.set(name, plain(double ?? single ?? ''))
    }
    return written
  }

  #inside(name: string, scope: ReadonlyMap<string, string>, depth: number) {
    const children: XmlElement[] = []
    let text = ''
    for (;;) {
      text += plain(this.#take(characters)?.[0] ?? '')
      if (this.#at === this.#text.length) throw new XmlError('an element does not end')
      if (!this.#text.startsWith('</', this.#at)) children.push(this.#element(scope, depth + 1))
      else if (this.#take(closing)?.groups?.['name'] === name) return { children, text }
      else throw new XmlError('an element ends that did not begin')
    }
  }

  /** What stands here, if it is that. */
  #take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at
    const found = form.exec(this.#text)
    if (found === null) return undefined
    this.#at = form.lastIndex
    return found
  }
}

function scopeOf(
  outer: ReadonlyMap<string, string>,
  written: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const scope = new Map(outer)
  for (const [name, value] of written) {
    if (name === 'xmlns') scope.set('', value)
    else if (name.startsWith('xmlns:')) {
      const prefix = name.slice('xmlns:'.length)
      if (value === '' || prefix === 'xml' || prefix === 'xmlns')
        throw new XmlError('a prefix is declared that cannot be')
      scope.set(prefix, value)
    } else continue
    if (value === xmlNamespace || value === xmlnsNamespace)
      throw new XmlError('a namespace of XML itself is declared anew')
  }
  return scope
}

function attributesIn(
  written: ReadonlyMap<string, string>,
  scope: ReadonlyMap<string, string>,
): Pick<XmlElement, 'attributes' | 'foreign'> {
  const attributes = new Map<string, string>()
  const foreign: { name: string; namespace: string; value: string }[] = []
  for (const [written_, value] of written) {
    if (written_ === 'xmlns' || written_.startsWith('xmlns:')) continue
    if (!written_.includes(':')) {
      attributes.set(written_, value)
      continue
    }
    const { name, namespace } = named(written_, scope)
    if (foreign.some((one) => one.name === name && one.namespace === namespace))
      throw new XmlError('an attribute stands twice')
    foreign.push({ name, namespace, value })
  }
  return { attributes, foreign }
}

function named(written: string, scope: ReadonlyMap<string, string>): { name: string; namespace: string } {
  const at = written.indexOf(':')
  const namespace = scope.get(at < 0 ? '' : written.slice(0, at))
  if (namespace === undefined) throw new XmlError('a prefix is not declared')
  return { name: written.slice(at + 1), namespace }
}

/** With its references replaced: those to the five entities of XML, and to characters. */
function plain(written: string): string {
  if (written.includes(']]>')) throw new XmlError('the end of a CDATA section is in it')
  return written.replaceAll(/&([^;&]{0,10});?/g, (whole, name: string) => {
    const known = whole.endsWith(';') ? entities[name] : undefined
    if (known !== undefined) return known
    const number = /^#(?:x(?<hex>[0-9A-Fa-f]{1,6})|(?<decimal>[0-9]{1,7}))$/.exec(name)?.groups
    const code = number === undefined ? 0 : Number(number['decimal'] ?? `0x${number['hex'] ?? ''}`)
    const isCharacter =
      whole.endsWith(';') && code > 0 && code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff)
    const character = isCharacter ? String.fromCodePoint(code) : '\0'
    if (illegal.test(character)) throw new XmlError('an entity is in it that XML does not have by itself')
    return character
  })
}

const declaration =
  /<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')(?:\s+encoding\s*=\s*(?:"utf-8"|'utf-8'))?(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>/iy
const space = /[ \t\n]*/y
const opening = /<(?<name>[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?)(?=[ \t\n/>])/y
const closing = /<\/(?<name>[A-Za-z_][A-Za-z0-9_.:-]*)[ \t\n]*>/y
/** Tabs and line feeds in values are written as references, or readers see spaces. */
const attribute =
  /[ \t\n]+(?<name>[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?)[ \t\n]*=[ \t\n]*(?:"(?<double>[^"<\t\n]*)"|'(?<single>[^'<\t\n]*)')/y
const characters = /[^<]*/y
/** All but the characters of XML 1.0, section 2.2. */
const illegal = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u

const entities: Readonly<Record<string, string>> = Object.assign(Object.create(null) as object, {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
})
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace'
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/'
const xmlNamespaces: ReadonlyMap<string, string> = new Map([
  ['', ''],
  ['xml', xmlNamespace],
])
const maxXmlBytes = 131_072
const maxDepth = 32
const maxElements = 4_000
const maxAttributes = 32

import {
  forEachChild,
  parse,
  type Assignment,
  type Command,
  type Redirection,
  type SyntaxNode,
  type Word as SyntaxWord,
} from 'unbash'
import { factLimits } from './limits.ts'

/** A word of a command; undefined where the shell computes it, and it may be none or several. */
export type Word = string | undefined

/** What a shell does with a text, as bash reads it. */
export interface Script {
  readonly commands: readonly (readonly Word[])[]
  /** What of the shell's language it uses. */
  readonly syntax: ReadonlySet<string>
  /** Variables that it sets. */
  readonly variables: ReadonlySet<string>
  readonly redirections: readonly Redirected[]
  /** Other shells read it otherwise, or a part of it is run that only then is text. */
  readonly isDynamic: boolean
}

export interface Redirected {
  readonly path: Word
  readonly use: 'reads' | 'writes'
}

/** @returns undefined where bash would refuse it, shells differ about where its parts begin and end, or it is too deep */
export function readScript(text: string): Script | undefined {
  if ((text.match(/[(`]|\$\{|<</g)?.length ?? 0) > factLimits.openings) return undefined
  const reader = new Reader()
  try {
    reader.visit(parse(text))
  } catch (error) {
    // Chains of operators are trees as deep as they are long.
    if (error instanceof RangeError) return undefined
    throw error
  }
  return reader.isUnreadable ? undefined : reader
}

class Reader implements Script {
  readonly commands: (readonly Word[])[] = []
  readonly syntax = new Set<string>()
  readonly variables = new Set<string>()
  readonly redirections: Redirected[] = []
  isDynamic = false
  isUnreadable = false

  readonly visit = (node: SyntaxNode): void => {
    switch (node.type) {
      case 'Script':
        if ((node.errors?.length ?? 0) > 0) this.isUnreadable = true
        if (node.commands.length > 1) this.syntax.add('list')
        break
      case 'CompoundList':
        if (node.commands.length > 1) this.syntax.add('list')
        break
      case 'Statement':
        if (node.background === true) this.syntax.add('background')
        break
      case 'AndOr':
        this.syntax.add('list')
        break
      case 'Pipeline':
        if (node.commands.length > 1) this.syntax.add('pipe')
        if (node.operators.includes('|&')) this.#bashOnly()
        break
      case 'Time':
        // Other shells run the program of this name.
        this.commands.push(['time'])
        this.syntax.add('time')
        break
      case 'Negation':
        this.syntax.add('negation')
        break
      case 'Command':
        this.#command(node)
        break
      case 'Assignment':
        this.#assignment(node)
        break
      case 'Redirect':
      case 'HereString':
      case 'HereDoc':
        this.#redirection(node)
        break
      case 'FileDescriptorVariable':
      case 'ArrayValue':
      case 'AnsiCQuoted':
      case 'LocaleString':
      case 'BraceExpansion':
      case 'TestCommand':
      case 'ArithmeticCommand':
      case 'ArithmeticFor':
      case 'Select':
      case 'Coproc':
        this.#bashOnly()
        // After `\'` shells differ about what is quoted.
        if (node.type === 'AnsiCQuoted' && node.text.includes(String.raw`\'`)) this.isUnreadable = true
        if (node.type !== 'AnsiCQuoted' && node.type !== 'LocaleString') this.syntax.add(kindOf(node.type))
        break
      case 'Function':
        this.syntax.add('function')
        // `function f` is one to bash, and a command to others.
        if (node.name.pos !== node.pos) this.#bashOnly()
        break
      case 'If':
      case 'For':
      case 'While':
      case 'Case':
      case 'Subshell':
      case 'BraceGroup':
        this.syntax.add('compound')
        break
      case 'CaseItem':
        if (node.terminator !== undefined && node.terminator !== ';;') this.#bashOnly()
        break
      case 'SimpleExpansion':
        this.syntax.add('expansion')
        break
      case 'ParameterExpansion':
        this.#parameter(node)
        break
      case 'CommandExpansion':
        this.syntax.add('substitution')
        // `$((a); (b))` is arithmetic to some, `${ a; }` nothing to most.
        if (node.script === undefined || node.text.startsWith('$((')) this.isUnreadable = true
        if (node.text.startsWith('${')) this.#bashOnly()
        break
      case 'ProcessSubstitution':
        this.syntax.add('substitution')
        this.#bashOnly()
        if (node.script === undefined) this.isUnreadable = true
        break
      case 'ArithmeticExpansion':
        this.syntax.add('arithmetic')
        // `$[a; b]` is a word and a command to dash.
        if (node.expression === undefined && node.text !== '$(())') this.isUnreadable = true
        if (node.text.startsWith('$[')) this.isUnreadable = true
        break
      case 'ArithmeticCommandExpansion':
        this.syntax.add('substitution')
        if (node.script === undefined) this.isUnreadable = true
        break
      case 'Glob':
        this.syntax.add('glob')
        break
      case 'ExtendedGlob':
        // Unless extglob is set, `!(rm x)` runs rm.
        this.isUnreadable = true
        break
      default:
        break
    }
    forEachChild(node, this.visit)
  }

  #command({ name, prefix, suffix }: Command): void {
    if (prefix.some(({ type }) => type === 'Assignment')) this.syntax.add('assignment')
    if (name === undefined) return
    const words = [this.#word(name)]
    for (const part of suffix)
      if (part.type === 'Word') words.push(this.#word(part))
      else if (part.type === 'Assignment') words.push(this.#assigned(part))
    this.commands.push(words)
  }

  #assignment({ name, value, append, index }: Assignment): void {
    this.variables.add(name)
    if (value.type === 'Word') this.#word(value)
    if (append === true || index !== undefined) this.#bashOnly()
  }

  #assigned({ name, value, append, index }: Assignment): Word {
    if (value.type !== 'Word' || append === true || index !== undefined) return undefined
    const literal = this.#word(value)
    return literal === undefined ? undefined : `${name}=${literal}`
  }

  #redirection(node: Redirection): void {
    this.syntax.add('redirection')
    if (node.type === 'HereDoc') {
      this.syntax.add('here-document')
      if (node.delimiter?.quoted === true) this.#data(node.body.text)
      return
    }
    if (node.type === 'HereString') {
      this.#bashOnly()
      return
    }
    const { operator, target } = node
    const path = target === undefined ? undefined : this.#word(target)
    if (operator === '<&' || operator === '>&') {
      if (path !== undefined && /^(?:\d+-?|-)$/.test(path)) return
      this.#bashOnly()
    }
    if (operator.startsWith('&')) this.#bashOnly()
    // A quoted `~` is a name, not the home.
    const isQuotedTilde = path?.startsWith('~') === true && target?.text.startsWith('~') === false
    const shown = isQuotedTilde ? `./${path}` : path
    if (operator.includes('<')) this.redirections.push({ path: shown, use: 'reads' })
    if (operator.includes('>')) this.redirections.push({ path: shown, use: 'writes' })
  }

  #parameter(node: Extract<SyntaxNode, { type: 'ParameterExpansion' }>): void {
    this.syntax.add('expansion')
    const { prefix, index, operation } = node
    if (prefix === '!' || index !== undefined) this.#bashOnly()
    if (operation === undefined || operation.type === 'Default' || operation.type === 'Remove') {
      // Shells differ about quotes inside of braces inside of quotes.
      if (operation !== undefined && /['"\\`]/.test(operation.operand.text)) this.isUnreadable = true
      return
    }
    this.#bashOnly()
    if (operation.type === 'Unknown') this.isUnreadable = true
  }

  /** The word that a shell makes of it; undefined where that depends on more than its text. */
  #word(word: SyntaxWord): Word {
    for (const part of word.parts ?? [])
      if (
        part.type !== 'Literal' &&
        part.type !== 'SingleQuoted' &&
        !(part.type === 'DoubleQuoted' && part.parts.every(({ type }) => type === 'Literal'))
      )
        return undefined
    this.#data(word.value)
    return word.value
  }

  /** Text that a later evaluation would run, of array subscripts and prompts. */
  #data(text: string): void {
    if (/\$\(|`|\$\{|[<>]\(/.test(text)) this.isDynamic = true
  }

  /** Only bash and its like read it so. */
  #bashOnly(): void {
    this.syntax.add('bash')
    this.isDynamic = true
  }
}

function kindOf(type: string): string {
  return type === 'BraceExpansion' ? 'glob' : 'compound'
}

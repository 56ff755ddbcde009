import { isUtf8 } from 'node:buffer'
import type { Facts } from '@sallyport/core'
import { Draft } from './draft.ts'
import { factLimits } from './limits.ts'
import { commandLine, literalWords } from './literal.ts'
import { home, pathText, wordPath, type PathRoot } from './paths.ts'
import { baseName, insideOf } from './programs.ts'
import { readScript, type Word } from './script.ts'
import { transferActions, transferOf, type Transfer } from './transfers.ts'

export interface CommandRequest {
  /** As it came. */
  readonly bytes: Uint8Array
  /** A terminal was asked for. */
  readonly hasTerminal: boolean
  /** Names of the environment variables that go to the target with it. */
  readonly environment: readonly string[]
}

/** What an exec request does. */
export function factsOfCommand({ bytes, hasTerminal, environment }: CommandRequest): Facts {
  const draft = new Draft()
  draft.hasTerminal = hasTerminal
  for (const name of environment) draft.environment.add(name)
  const text = commandText(bytes)
  if (text === undefined) {
    draft.actions.add('exec')
    draft.unparsed()
  } else {
    draft.text = text
    const words = literalWords(text)
    if (words !== undefined) {
      draft.isSimple = true
      draft.command = commandLine(words)
      draft.argv = words
    }
    const transfer = words && transferOf(words)
    if (transfer === undefined) {
      draft.actions.add('exec')
      new CommandReader(draft).read(text)
    } else passes(transfer, draft)
  }
  return draft.finish()
}

/** Where a command only moves files: by which protocol. It is judged like SFTP then, not as a command. */
export function transferOfCommand(bytes: Uint8Array): Transfer | undefined {
  const text = commandText(bytes)
  const words = text === undefined ? undefined : literalWords(text)
  return words && transferOf(words)
}

function passes(transfer: Transfer, draft: Draft): void {
  const { protocol, actions, paths, others, isRecursive, linksAnywhere, isCommand } = transfer
  draft.transfer = protocol.startsWith('scp') ? 'scp' : protocol
  draft.isRecursive = isRecursive
  const [program = ''] = draft.argv
  draft.programs.add(baseName(program))
  draft.programPaths.add(program)
  if (isCommand) {
    draft.actions.add('exec')
    draft.isDynamic = true
  }
  if (protocol === 'sftp') draft.file(home, 'list', 'reads')
  // As a link that is made over SFTP is judged by where it leads.
  if (linksAnywhere) draft.object(['files'], 'link')
  for (const path of paths)
    for (const action of actions) draft.file(path, action, action === 'download' ? 'reads' : 'writes')
  for (const { path, action } of others) draft.file(path, action, action === 'download' ? 'reads' : 'writes')
}

/** The text of a command that shells read alike whatever their encoding; undefined for others and for what is too long. */
function commandText(bytes: Uint8Array): string | undefined {
  if (bytes.length > factLimits.commandBytes) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!isUtf8(buffer)) return undefined
  const text = buffer.toString('utf8')
  return /[^\P{Cc}\t\n]/u.test(text) || text.trim() === '' ? undefined : text
}

class CommandReader {
  readonly #draft: Draft
  /** Words that may be paths. */
  readonly #mentioned: string[] = []
  readonly #redirections: { readonly path: string; readonly use: 'reads' | 'writes' }[] = []
  /** It changes the directory, so that nobody knows of which one relative paths are. */
  #movesAbout = false
  #words = 0

  constructor(draft: Draft) {
    this.#draft = draft
  }

  read(text: string): void {
    this.#script(text, 0)
    const base: PathRoot = this.#movesAbout ? 'elsewhere' : 'home'
    for (const word of this.#mentioned) {
      const path = wordPath(word, base)
      if (path !== undefined) this.#draft.paths.add(path)
    }
    for (const { path, use } of this.#redirections) {
      const known = wordPath(path, base)
      if (known === undefined) this.#draft.unparsed()
      else this.#draft.paths.add(known, use)
    }
    for (const program of this.#draft.programPaths) {
      const path = wordPath(program, base)
      // It runs what it has written itself.
      if (path !== undefined && this.#draft.paths.writes.has(pathText(path))) this.#draft.isDynamic = true
    }
  }

  #script(text: string, depth: number): void {
    if (depth > factLimits.depth) return this.#draft.unparsed()
    const words = literalWords(text)
    if (words !== undefined) return this.#run(words, depth)
    const script = readScript(text)
    if (script === undefined) return this.#draft.unparsed()
    const draft = this.#draft
    for (const name of script.syntax) draft.syntax.add(name)
    for (const name of script.variables) this.#sets(name)
    for (const { path, use } of script.redirections)
      if (path === undefined) draft.isDynamic = true
      else this.#redirections.push({ path, use })
    draft.isDynamic ||= script.isDynamic
    for (const command of script.commands) this.#run(command, depth)
  }

  #run(words: readonly Word[], depth: number): void {
    const draft = this.#draft
    this.#words += words.length
    if (this.#words > factLimits.words || depth > factLimits.depth) return draft.unparsed()
    const [program] = words
    if (program === undefined) {
      draft.programs.add('?')
      draft.programPaths.add('?')
      draft.isDynamic = true
      return
    }
    const name = baseName(program)
    draft.programs.add(name)
    draft.programPaths.add(program)
    for (const action of transferActions(words)) draft.actions.add(action)
    const inside = insideOf(words)
    for (const word of words.slice(1, inside.own)) this.#argument(name, word)
    for (const user of inside.users ?? []) draft.users.add(user ?? '?')
    for (const variable of inside.variables ?? []) this.#sets(variable)
    draft.isDynamic ||= inside.isDynamic === true
    this.#movesAbout ||= inside.movesAbout === true
    for (const command of inside.commands ?? []) this.#run(command, depth + 1)
    for (const script of inside.scripts ?? [])
      if (script === undefined) draft.isDynamic = true
      else this.#script(script, depth + 1)
  }

  #sets(variable: string): void {
    this.#draft.environment.add(variable)
    if (telling.test(variable)) this.#draft.isDynamic = true
  }

  #argument(program: string, word: Word): void {
    if (word === undefined) return
    for (const use of usesOf(word)) this.#draft.uses.add(`${program} ${use}`)
    for (const piece of pathsIn(word)) this.#mentioned.push(piece)
  }
}

/** Variables by which shells and the loader are told to run other code. */
const telling =
  /^(?:LD_.*|DYLD_.*|PATH|IFS|ENV|BASH_ENV|BASHOPTS|SHELLOPTS|PROMPT_COMMAND|PS[0-4]|ZDOTDIR|GIT_.*|.*PAGER|.*EDITOR|PYTHON.*|PERL.*|RUBY.*|NODE_.*)$/

/** An argument as policies name it: whole, its options apart, what is before `=`. */
function* usesOf(word: string): Generator<string> {
  if (word.length <= maxUseLength) yield word
  const equals = word.indexOf('=')
  if (equals > 0 && equals <= maxUseLength) yield word.slice(0, word.startsWith('-') ? equals : equals + 1)
  if (/^-[A-Za-z0-9]{2,}$/.test(word) && word.length <= maxUseLength)
    for (const letter of word.slice(1)) yield `-${letter}`
}

/** What of an argument may be a path: all of it, or what stands behind an option's letter, or between `=`, `:`, `@` and `,`. */
function* pathsIn(word: string): Generator<string> {
  if (!word.startsWith('-')) yield word
  else if (/^-[A-Za-z][^-]*[/~.]/.test(word)) yield word.slice(2)
  const [, ...pieces] = word.split(/[=:@,]/)
  const equals = word.indexOf('=')
  if (equals !== -1) yield word.slice(equals + 1)
  for (const piece of pieces) if (piece !== '') yield piece
}

const maxUseLength = 256

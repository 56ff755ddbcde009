import { factsOf, type Facts, type FactsInput } from '@sallyport/core'
import { objectPath, NamedPaths, type FilePath } from './paths.ts'

/** The facts of one request while they are gathered. Each begins as what says nothing. */
export class Draft {
  readonly actions = new Set<string>()
  readonly programs = new Set<string>()
  readonly programPaths = new Set<string>()
  readonly uses = new Set<string>()
  readonly users = new Set<string>()
  readonly syntax = new Set<string>()
  readonly environment = new Set<string>()
  readonly paths = new NamedPaths()
  readonly openFlags = new Set<string>()
  argv: readonly string[] = []
  command = ''
  text = ''
  isSimple = false
  isDynamic = false
  hasTerminal = false
  isRecursive = false
  transfer = ''
  subsystem = ''
  host = ''
  port = 0
  isLoopback = false
  readonly #objects = new Map<string, { readonly path: readonly string[]; readonly actions: Set<string> }>()

  /** Something other than a file that policies may name. */
  object(path: readonly string[], action: string): void {
    const key = path.join('\0')
    const object = this.#objects.get(key) ?? { path, actions: new Set<string>() }
    this.#objects.set(key, object)
    object.actions.add(action)
    this.actions.add(action)
  }

  /** A file suffers an action. `undefined` is a path that cannot be judged. */
  file(path: FilePath | undefined, action: string, use: 'reads' | 'writes'): void {
    if (path === undefined) {
      this.actions.add(action)
      this.unparsed()
      return
    }
    this.object(objectPath(path), action)
    this.paths.add(path, use)
  }

  /** It was not understood: it may do anything. */
  unparsed(): void {
    this.actions.add('unparsed')
    this.isDynamic = true
  }

  finish(): Facts {
    return factsOf({
      actions: sorted(this.actions),
      objects: Array.from(this.#objects.values(), ({ path, actions }) => ({
        path,
        actions: sorted(actions),
      })),
      exposes: [],
      context: {
        simple: this.isSimple,
        command: this.command,
        argv: this.argv,
        text: this.text,
        programs: sorted(this.programs),
        program_paths: sorted(this.programPaths),
        uses: sorted(this.uses),
        users: sorted(this.users),
        syntax: sorted(this.syntax),
        environment: sorted(this.environment),
        dynamic: this.isDynamic,
        terminal: this.hasTerminal,
        paths: sorted(this.paths.paths),
        within: sorted(this.paths.within),
        names: sorted(this.paths.names),
        extensions: sorted(this.paths.extensions),
        reads: sorted(this.paths.reads),
        writes: sorted(this.paths.writes),
        open_flags: sorted(this.openFlags),
        transfer: this.transfer,
        recursive: this.isRecursive,
        subsystem: this.subsystem,
        host: this.host,
        port: this.port,
        loopback: this.isLoopback,
      } satisfies FactsInput['context'],
    })
  }
}

const sorted = (words: ReadonlySet<string>) => [...words].toSorted()

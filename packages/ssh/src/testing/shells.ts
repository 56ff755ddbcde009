import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Facts } from '@sallyport/core'

/** A program that ran: its name and arguments, byte for byte. */
export type Ran = readonly string[]

/**
 * Real shells in a directory of their own, where the programs of {@link harmless} only write down how they were called, and
 * nothing else is found but {@link passing}. As another user where that can be had.
 */
export class Shells implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'sallyport-shells-'))
  readonly #log = join(this.#root, 'log')
  readonly #home = join(this.#root, 'a', 'b', 'home')
  /** Path by name, of those that are on this machine. */
  readonly names: readonly string[]
  readonly #paths = new Map<string, readonly string[]>()

  constructor() {
    const bin = join(this.#root, 'bin')
    mkdirSync(bin)
    writeFileSync(this.#log, '')
    mkdirSync(this.#home, { recursive: true })
    const printer = join(this.#root, 'printer')
    // One write: programs of a pipe run at once.
    writeFileSync(printer, `#!/bin/dash\nprintf '%s\\0' "$#" "\${0##*/}" "$@" >>'${this.#log}'\n`)
    for (const path of [this.#root, printer]) chmodSync(path, 0o755)
    for (const name of harmless) symlinkSync(printer, join(bin, name))
    for (const name of passing) {
      const real = found(name)
      if (real !== undefined) symlinkSync(real, join(bin, name))
    }
    if (isRoot) for (const path of [this.#log, this.#home]) chownSync(path, nobody, nobody)
    for (const [name, words] of Object.entries(shells)) {
      const [program = '', ...options] = words
      const path = found(program)
      if (path !== undefined) this.#paths.set(name, [path, ...options])
    }
    this.names = [...this.#paths.keys()]
  }

  /** Has a shell run a text. @returns the harmless programs that ran, in the order in which they were called */
  run(shell: string, text: string | Uint8Array): Ran[] {
    const [path = '', ...options] = this.#paths.get(shell) ?? []
    truncateSync(this.#log)
    rmSync(this.#home, { recursive: true, force: true })
    mkdirSync(this.#home)
    if (isRoot) chownSync(this.#home, nobody, nobody)
    // Arguments are bytes of UTF-8 here: others would not come through.
    spawnSync(
      '/bin/dash',
      [
        '-c',
        'ulimit -t 2 -f 64 -u 200; exec "$@"',
        'dash',
        path,
        ...options,
        '-c',
        Buffer.from(text).toString('utf8'),
      ],
      {
        cwd: this.#home,
        env: { PATH: join(this.#root, 'bin'), HOME: this.#home, LC_ALL: 'C.UTF-8', ...loader },
        input: '',
        timeout: 3_000,
        killSignal: 'SIGKILL',
        // The fourth is held by whatever it leaves in the background, which is waited for.
        stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
        ...(isRoot ? { uid: nobody, gid: nobody } : {}),
      },
    )
    return this.#written()
  }

  #written(): Ran[] {
    const words = readFileSync(this.#log, 'utf8').split('\0')
    const ran: Ran[] = []
    for (let at = 0; at + 1 < words.length;) {
      const end = at + 2 + Number(words[at])
      ran.push(words.slice(at + 1, end))
      at = end
    }
    return ran
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** Programs that do nothing but be seen. */
const harmless = 'p q r rm ls cat id uptime sudo make vi x y [['.split(' ')
/** Real ones, that run others. */
const passing = 'env nice nohup timeout setsid stdbuf xargs find sh bash dash'.split(' ')

const shells: Readonly<Record<string, readonly string[]>> = {
  dash: ['dash'],
  bash: ['bash'],
  busybox: ['busybox', 'sh'],
  mksh: ['mksh'],
  ksh: ['ksh93'],
  zsh: ['zsh'],
  tcsh: ['tcsh'],
  fish: ['fish'],
}

const isRoot = process.getuid?.() === 0
const nobody = 65_534
const { LD_LIBRARY_PATH } = process.env
const loader = LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }

function found(program: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  return undefined
}

/** These facts do not say that all programs are named. */
export function isOpen({ actions, context }: Pick<Facts, 'actions' | 'context'>): boolean {
  return actions.includes('unparsed') || context['dynamic'] === true
}

/** What facts of a text say that a shell did not do; undefined where all of it is true. */
export function contradiction({ actions, context }: Facts, ran: readonly Ran[]): string | undefined {
  const argv = context['argv'] as readonly string[]
  if (context['simple'] === true && harmless.includes(argv[0] ?? '')) {
    const isTrue = ran.length === 1 && JSON.stringify(ran[0]) === JSON.stringify(argv)
    return isTrue
      ? undefined
      : `it was to run exactly ${JSON.stringify(argv)}, and ran ${JSON.stringify(ran)}`
  }
  if (isOpen({ actions, context })) return undefined
  const programs = context['programs'] as readonly string[]
  const unnamed = ran.find(([name = '']) => !programs.includes(name))
  return unnamed && `it ran ${JSON.stringify(unnamed)}, and only ${programs.join(', ')} were named`
}

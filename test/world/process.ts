import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { deadline } from './deadline.ts'

export interface ProcessOptions {
  /** Instead of this process's own environment, not on top of it. */
  readonly environment?: NodeJS.ProcessEnv
  readonly directory?: string
  /** Runs as this user; only root may ask for one. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined
  /** A directory that belongs to the process: deleted with it, even when this process is killed with SIGKILL. */
  readonly owns?: string
  /** Gets each line that it prints, also those that are too many to be kept. */
  readonly onLine?: ((line: string) => void) | undefined
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** How long a process may take to say or do what a test waits for. */
const patienceMs = 180_000
const keptOutputCharacters = 1_000_000

/**
 * Starts a program whose output is kept. It ends with `await using`, and also when the test process ends in any way at all,
 * SIGKILL included: see {@link guard}.
 */
export async function startProcess(
  file: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a group of its own: signals reach what it starts, and Ctrl-C here does not reach it
    cwd: options.directory,
    env: options.environment ?? process.env,
    ...options.as,
  })
  await once(child, 'spawn')
  return new RunningProcess(child, options.owns, options.onLine)
}

/** Runs a TypeScript or JavaScript file under this very Node.js. */
export function startNode(
  file: URL | string,
  args: readonly string[] = [],
  options: ProcessOptions & {
    readonly nodeOptions?: readonly string[]
    /** A command that runs another, such as `ip netns exec NAME`. */
    readonly runner?: readonly string[]
  } = {},
): Promise<RunningProcess> {
  const path = file instanceof URL ? file.pathname : file
  const [command, ...rest] = [
    ...(options.runner ?? []),
    process.execPath,
    ...(options.nodeOptions ?? []),
    path,
    ...args,
  ]
  return startProcess(command!, rest, options)
}

export class RunningProcess implements AsyncDisposable {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting = new Set<() => void>()
  #kept = 0
  readonly #onLine: ((line: string) => void) | undefined
  #exit: Exit | undefined

  constructor(child: ChildProcess, owns?: string, onLine?: (line: string) => void) {
    this.#child = child
    this.#onLine = onLine
    this.pid = child.pid!
    const release = guard(this.pid, owns)
    this.exited = Promise.all([
      once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
      this.#keep(child.stdout!),
      this.#keep(child.stderr!),
    ]).then(([[code, signal]]) => {
      this.#exit = { code, signal }
      release()
      this.#news()
      return this.#exit
    })
    child.once('exit', () => signalGroup(this.pid, 'SIGKILL')) // what it left behind ends with it, and with that the output
    child.stdin!.on('error', () => {}) // it may close its input whenever it likes
  }

  /** What it printed so far, standard output and error in the order in which they arrived. */
  get output(): string {
    return this.#lines.join('\n')
  }

  /** Its own id and those of all that it started and that runs; on Linux only, elsewhere its own. */
  get family(): readonly number[] {
    return [this.pid, ...descendants(this.pid)]
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  /**
   * Waits until a line matches, also one that was printed before.
   * @throws Error with the whole output where the process ends, or the time is up, without it.
   */
  async line(pattern: RegExp, timeoutMs = patienceMs): Promise<RegExpExecArray> {
    let seen = 0
    using limit = deadline(timeoutMs, () => `no line like ${pattern}:\n${this.output}`)
    for (;;) {
      for (; seen < this.#lines.length; seen++) {
        const match = pattern.exec(this.#lines[seen]!)
        if (match) return match
      }
      if (this.#exit) throw new Error(`ended without a line like ${pattern}:\n${this.output}`)
      await limit.orThrow(this.#somethingNew())
    }
  }

  write(text: string | Uint8Array): void {
    this.#child.stdin!.write(text)
  }

  /** Closes its standard input. */
  endInput(): void {
    this.#child.stdin!.end()
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#exit) this.#child.kill(name)
  }

  /** SIGSTOP to it and to all that it started: alive for the kernel, silent for everybody else. */
  freeze(): void {
    this.#signalAll('SIGSTOP')
  }

  thaw(): void {
    this.#signalAll('SIGCONT')
  }

  /** SIGKILL to it and to all that it started. */
  async kill(): Promise<Exit> {
    if (this.#exit) return this.#exit
    // The parent last, and stopped meanwhile: so that nobody sees another's death and says something about it.
    signalOne(this.pid, 'SIGSTOP')
    for (const pid of descendants(this.pid)) signalOne(pid, 'SIGKILL')
    signalGroup(this.pid, 'SIGKILL')
    return this.exited
  }

  /** Asks it to end and waits; kills it when the time is up. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = 10_000): Promise<Exit> {
    if (this.#exit) return this.#exit
    this.thaw()
    this.signal(signal)
    using limit = deadline(timeoutMs, () => 'did not stop')
    return await limit.orThrow(this.exited).catch(() => this.kill())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Descendants may have left the process group, as PostgreSQL's do. */
  #signalAll(name: NodeJS.Signals): void {
    if (this.#exit) return
    const below = descendants(this.pid)
    signalGroup(this.pid, name)
    for (const pid of below) signalOne(pid, name)
  }

  async #keep(stream: Readable): Promise<void> {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      this.#kept += line.length + 1
      if (this.#kept <= keptOutputCharacters) this.#lines.push(line)
      this.#onLine?.(line)
      this.#news()
    }
  }

  #somethingNew(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  #news(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

export interface Finished extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. */
export async function run(
  file: string,
  args: readonly string[],
  options: ProcessOptions & { readonly input?: string | Uint8Array; readonly timeoutMs?: number } = {},
): Promise<Finished> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: options.directory,
    env: options.environment ?? process.env,
    ...options.as,
  })
  await once(child, 'spawn')
  const release = guard(child.pid!, options.owns)
  const timer = setTimeout(() => signalGroup(child.pid!, 'SIGKILL'), options.timeoutMs ?? 120_000)
  try {
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    const [stdout, stderr, [code, signal]] = await Promise.all([
      child.stdout.toArray(),
      child.stderr.toArray(),
      once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    ])
    return {
      code,
      signal,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    }
  } finally {
    clearTimeout(timer)
    release()
  }
}

/** As {@link run}, for what must succeed. */
export async function mustRun(
  file: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await run(file, args, options)
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${signal ?? code}\n${stderr}${stdout}`)
  return stdout
}

/** Process ids below `pid`, however deep. On Linux only: elsewhere none are found. */
function descendants(pid: number): number[] {
  const children = childrenOf()
  const found: number[] = []
  const visit = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      visit(child)
    }
  }
  visit(pid)
  return found
}

function childrenOf(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  if (process.platform !== 'linux') return children
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // proc(5): `pid (name, which may hold anything) state ppid …`
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // it ended while we looked
    }
  }
  return children
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalOne(-pid, signal)
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone already
  }
}

/**
 * A small shell that outlives this process by a second: when the pipe to it breaks, it ends the process group `pid` and deletes
 * `directory`. No signal handler here could promise that, least of all after SIGKILL.
 * @returns Call it when the process has ended by itself.
 */
function guard(pid: number, directory = ''): () => void {
  const script = `trap '' HUP INT TERM
read -r word; [ "$word" = ended ] && exit 0
kill -QUIT "-$1"; sleep 1; kill -KILL "-$1"; [ -z "$2" ] || rm -rf -- "$2"`
  const child = spawn('/bin/sh', ['-c', script, 'guard', String(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.unref()
  child.stdin.on('error', () => {})
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  return () => child.stdin.end('ended\n')
}

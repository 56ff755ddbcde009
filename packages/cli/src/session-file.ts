import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { exit, Failure } from './failure.ts'

/** Who is signed in where. The token lives an hour at most; the file is for its owner alone. */
const schema = z.object({
  gateway: z.string(),
  user: z.string(),
  token: z.string(),
  expiresAt: z.string(),
  /** PEM of the gateway's own authority, as trusted at the log-in; the system's where absent. */
  ca: z.string().optional(),
})
export type SignedIn = z.infer<typeof schema>

/** `$SALLYPORT_STATE_HOME`, or `sallyport` under the XDG state directory. */
export function stateDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment['SALLYPORT_STATE_HOME']
  if (own !== undefined && own !== '') return own
  const xdg = environment['XDG_STATE_HOME']
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.local', 'state') : xdg, 'sallyport')
}

export class SessionFile {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Where native clients find the authority to trust. */
  get caFile(): string {
    return join(this.#directory, 'ca.pem')
  }

  async read(): Promise<SignedIn | undefined> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (thrown) {
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
      throw thrown
    }
    try {
      return schema.parse(JSON.parse(text))
    } catch {
      throw new Failure(`${this.#path} cannot be read`, {
        exitCode: exit.notSignedIn,
        next: 'sallyport login',
      })
    }
  }

  async write(signedIn: SignedIn): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    await writeFile(this.#path, `${JSON.stringify(signedIn, undefined, 2)}\n`, { mode: 0o600 })
    if (signedIn.ca !== undefined) await writeFile(this.caFile, signedIn.ca)
  }

  /** Forgets the token; the trusted authority stays. */
  async forget(): Promise<void> {
    await rm(this.#path, { force: true })
  }

  get #path(): string {
    return join(this.#directory, 'session.json')
  }
}

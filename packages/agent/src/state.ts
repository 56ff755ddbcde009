import { randomUUID, X509Certificate } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '@sallyport/core'
import type { AgentCredentials } from '@sallyport/tunnel'
import { AgentCannotStart } from './cannot-start.ts'

/**
 * What an agent keeps on disk, readable by its own user alone:
 * `identity.pem`, its key, certificate and authority in one file, so that they change together;
 * `next.key`, a key that a certificate was asked for, kept before asking, so that asking again is the same question.
 */
export class AgentState {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** @throws AgentCannotStart */
  static async open(directory: string): Promise<AgentState> {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      await chmod(directory, 0o700)
    } catch (cause) {
      throw new AgentCannotStart('state', `the state directory ${directory} cannot be used`, { cause })
    }
    return new AgentState(directory)
  }

  /** @throws AgentCannotStart where it is damaged, or others may read it */
  async identity(): Promise<AgentCredentials | undefined> {
    const text = await this.#read(identityFile)
    if (text === undefined) return undefined
    const blocks = text.match(pemBlock) ?? []
    const [privateKey = '', certificate = '', authority = ''] = blocks
    try {
      // Throws for anything that is no certificate.
      new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey)
    } catch (cause) {
      const path = join(this.#directory, identityFile)
      throw new AgentCannotStart('state', `${path} is damaged: remove it, and join with a new token`, {
        cause,
      })
    }
    return { privateKey: new Secret(privateKey), certificate, authority }
  }

  /** Also forgets the next key: it is in use now. */
  async keep({ privateKey, certificate, authority }: AgentCredentials): Promise<void> {
    await this.#write(
      identityFile,
      [privateKey.reveal(), certificate, authority].map((pem) => `${pem.trim()}\n`).join(''),
    )
    await rm(join(this.#directory, nextKeyFile), { force: true })
  }

  /** The key that the next certificate is for: the one that was asked for already, or a new one, kept. */
  async nextKey(current: AgentCredentials | undefined, make: () => Secret): Promise<Secret> {
    const kept = (await this.#read(nextKeyFile))?.trim()
    // One that came into use, but was not forgotten in time, is no next key.
    if (kept !== undefined && kept !== current?.privateKey.reveal().trim()) return new Secret(kept)
    const fresh = make()
    await this.#write(nextKeyFile, fresh.reveal())
    return fresh
  }

  async #read(file: string): Promise<string | undefined> {
    const path = join(this.#directory, file)
    try {
      const { mode } = await stat(path)
      if ((mode & 0o077) !== 0)
        throw new AgentCannotStart(
          'state',
          `${path} may be read by others: chmod 600 it, and consider its key known`,
        )
      return await readFile(path, 'utf8')
    } catch (thrown) {
      if (thrown instanceof AgentCannotStart) throw thrown
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
      throw new AgentCannotStart('state', `${path} cannot be read`, { cause: thrown })
    }
  }

  async #write(file: string, text: string): Promise<void> {
    const path = join(this.#directory, file)
    const fresh = `${path}.${randomUUID()}`
    await writeFile(fresh, text, { mode: 0o600, flush: true })
    await rename(fresh, path)
  }
}

const identityFile = 'identity.pem'
const nextKeyFile = 'next.key'
const pemBlock = /-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g

import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@sallyport/api'
import { generatePrivateKey, keyLine } from '@sallyport/openssh'

/** What `ssh` logs in to the gateway with: a key of this sign-in alone, and its certificate. Both are for their owner alone. */
export class SshIdentity {
  readonly #directory: string

  /** @param directory the state directory */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** For `IdentityFile`. */
  get keyFile(): string {
    return join(this.#directory, 'ssh-key')
  }

  /** For `CertificateFile`; ssh finds it by its name, too. */
  get certificateFile(): string {
    return `${this.keyFile}-cert.pub`
  }

  /**
   * A fresh key, certified for as long as the token of `client` lives. What was there is replaced.
   * @throws ApiError
   */
  async renew(client: Client, user: string): Promise<void> {
    const key = generatePrivateKey(`${user}, by sallyport login`)
    const { certificate } = await client.keys.certify({ publicKey: keyLine(key.publicKey.blob, key.comment) })
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    // Never one without the other that belongs to it: no certificate is an identity that ssh passes over.
    await rm(this.certificateFile, { force: true })
    await put(this.keyFile, key.toOpenSsh().reveal())
    await put(this.certificateFile, `${certificate}\n`)
  }

  async forget(): Promise<void> {
    for (const file of [this.certificateFile, this.keyFile]) await rm(file, { force: true })
  }
}

/** Whole or not at all, and readable by nobody else from its first byte. */
async function put(file: string, text: string): Promise<void> {
  const beside = `${file}.new`
  await rm(beside, { force: true })
  await writeFile(beside, text, { mode: 0o600, flag: 'wx' })
  await rename(beside, file)
}

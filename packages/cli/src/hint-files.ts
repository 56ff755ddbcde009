import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectHint } from '@sallyport/api'

/** Files that native clients need to reach one resource, in a directory of its own. There is no secret in them. */
export class HintFiles {
  readonly #directory: string

  /** @param name the resource, or RESOURCE+ACCOUNT */
  constructor(stateDirectory: string, name: string) {
    this.#directory = join(stateDirectory, 'connect', name.replaceAll(/[^\w.+-]/g, '_'))
  }

  at(file: string): string {
    return join(this.#directory, file)
  }

  async lay(files: NonNullable<ConnectHint['files']>): Promise<void> {
    if (files.length > 0) await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    for (const { name, content, isProgram } of files)
      await writeFile(this.at(name), content, { mode: isProgram ? 0o700 : 0o600 })
  }
}

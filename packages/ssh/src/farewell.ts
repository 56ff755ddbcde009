import type { Fault, Refusal } from '@sallyport/core'
import type { OpenRequest, SshConnection } from './connection/connection.ts'
import { openFailure } from './connection/messages.ts'
import { lastWordsMs } from './limits.ts'
import type { ServerConnection } from './ssh2/index.ts'
import { disconnect } from './ssh2/index.ts'
import { exitNotConnected, wordsInOne, wordsOf } from './wording.ts'

/**
 * Tells a client that is logged in why it is not served. What it asks for is answered on stderr, as an ssh that cannot connect does it:
 * so rsync, git and Ansible show it. Then, or where nothing is asked for, it is disconnected with the same words.
 */
export class Farewell {
  readonly #ssh: SshConnection
  readonly #client: ServerConnection
  readonly #cause: Refusal | Fault
  readonly #end = Promise.withResolvers<void>()

  constructor(ssh: SshConnection, client: ServerConnection, cause: Refusal | Fault) {
    this.#ssh = ssh
    this.#client = client
    this.#cause = cause
  }

  /** Until it is gone. */
  async run(): Promise<void> {
    const limit = setTimeout(() => this.#end.resolve(), lastWordsMs)
    this.#ssh.listen({
      open: (request) => this.#open(request),
      request: ({ reply }) => reply(false),
      broken: () => this.#end.resolve(),
      over: () => this.#end.resolve(),
    })
    await this.#end.promise
    clearTimeout(limit)
    disconnect(this.#client, wordsInOne(this.#cause))
  }

  #open(request: OpenRequest): void {
    if (request.type !== 'session')
      return request.refuse(openFailure.administrativelyProhibited, wordsInOne(this.#cause))
    const channel = request.accept()
    channel.listen({
      data: (bytes) => channel.consumed(bytes.length),
      closed: () => this.#end.resolve(),
      request: ({ type, reply }) => {
        reply(true)
        if (!programs.has(type)) return
        channel.writeError(Buffer.from(wordsOf(this.#cause)))
        channel.tell('exit-status', [exitNotConnected])
        channel.close()
      },
    })
  }
}

const programs = new Set(['shell', 'exec', 'subsystem'])

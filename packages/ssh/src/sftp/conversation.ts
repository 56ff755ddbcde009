import type { Authorization } from '@sallyport/core'
import { Outbox } from '@sallyport/wire'
import { mostWaitingBytes, type FileConversation, type FileParts } from '../transfer/conversation.ts'
import type { FileOperation } from '../transfer/operation.ts'
import { Answers } from './answers.ts'
import { Ledger } from './ledger.ts'
import { PacketStream } from './packet-stream.ts'
import { Requests } from './requests.ts'

/**
 * One channel of SFTP version 3. Each request is asked about before it passes, in the client's order; what follows a held one
 * waits. READ and WRITE pass without: they are of a handle whose opening was permitted, and was answered by the target.
 * A refused request never reaches the target, and is answered here.
 */
export class SftpConversation implements FileConversation {
  readonly out = { client: new Outbox(), server: new Outbox() }
  readonly #ledger: Ledger
  readonly #requests: Requests
  readonly #fromClient: PacketStream
  readonly #fromServer: PacketStream

  constructor(parts: FileParts) {
    this.#ledger = new Ledger(parts)
    this.#requests = new Requests(this.#ledger, this.out)
    this.#fromClient = new PacketStream('client', this.#requests, this.out.server)
    this.#fromServer = new PacketStream('target', new Answers(this.#ledger, this.out), this.out.client)
  }

  client(chunk: Buffer): void {
    this.#fromClient.push(chunk)
  }

  server(chunk: Buffer): void {
    this.#fromServer.push(chunk)
    if (this.#fromClient.isStopped && this.#requests.mayGoOn()) this.#fromClient.goOn()
  }

  get asked(): FileOperation | undefined {
    return this.#requests.asked
  }

  settle(authorization: Authorization): void {
    this.#fromClient.release(this.#requests.settle(authorization))
  }

  get takesClient(): boolean {
    return this.#fromClient.waitingBytes < mostWaitingBytes || !this.#fromClient.isStopped
  }

  readonly takesServer = true

  get isWaiting(): boolean {
    return this.#fromClient.isStopped
  }

  end(): void {
    this.#ledger.end()
  }
}

import type { Authorization, Permit } from '@sallyport/core'
import type { Channel, ChannelEvents } from '../connection/channel.ts'
import type { FileConversation } from '../transfer/conversation.ts'
import type { FileOperation } from '../transfer/operation.ts'

export interface FilesJointParts {
  readonly client: Channel
  readonly target: Channel
  readonly conversation: FileConversation
  readonly authorize: (operation: FileOperation) => Authorization | Promise<Authorization>
  /** Called before bytes that were permitted leave. @throws Fault gateway/cannot-record: then they do not */
  readonly commit: () => void
  /** One of the sides broke the protocol, or nothing can be recorded. */
  readonly broke: (thrown: unknown) => void
}

/** A channel of the client's and one of the target's, and between them a conversation about files, which asks before anything passes. */
export class FilesJoint {
  readonly #parts: FilesJointParts
  #mustCommit = false
  #isAsking = false
  #isOver = false
  #hasClientEnded = false
  #hasTargetEnded = false
  #isTargetFull = false
  #isClientFull = false
  /** What came, and is not taken off the channels' windows yet. */
  #owedToClient = 0
  #owedToTarget = 0
  bytesUp = 0
  bytesDown = 0

  constructor(parts: FilesJointParts) {
    this.#parts = parts
  }

  /** For what comes from the client. */
  get fromClient(): Pick<ChannelEvents, 'data' | 'eof' | 'closed' | 'drained'> {
    const { conversation } = this.#parts
    return {
      data: (bytes) => {
        this.#owedToClient += bytes.length
        this.#step(() => conversation.client(bytes))
      },
      eof: () => {
        this.#hasClientEnded = true
        this.#step(() => undefined)
      },
      closed: () => this.end(),
      drained: () => {
        this.#isClientFull = false
        this.#step(() => undefined)
      },
    }
  }

  /** For what comes from the target. */
  get fromTarget(): Pick<ChannelEvents, 'data' | 'errorData' | 'eof' | 'closed' | 'drained'> {
    const { conversation, target } = this.#parts
    return {
      // Such as a log that sftp-server was told to write: nobody has looked at it, and it takes no room from the files.
      errorData: (bytes) => target.consumed(bytes.length),
      data: (bytes) => {
        this.#owedToTarget += bytes.length
        this.#step(() => conversation.server(bytes))
      },
      eof: () => {
        this.#hasTargetEnded = true
        this.#step(() => undefined)
      },
      closed: () => {
        this.end()
        this.#parts.client.close()
      },
      drained: () => {
        this.#isTargetFull = false
        this.#step(() => undefined)
      },
    }
  }

  /** What still went on is lost, and is noted as far as it came. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    try {
      this.#parts.conversation.end()
    } catch (thrown) {
      this.#parts.broke(thrown)
    }
  }

  /** Lets the conversation go on, asks what it asks, and sends what comes of it. */
  #step(goOn: () => void): void {
    if (this.#isOver) return
    try {
      goOn()
      this.#ask()
      this.#flush()
    } catch (thrown) {
      this.#parts.broke(thrown)
    }
  }

  #ask(): void {
    const { conversation, authorize } = this.#parts
    while (!this.#isAsking && conversation.asked !== undefined) {
      const answer = authorize(conversation.asked)
      if (!(answer instanceof Promise)) {
        this.#settle(answer)
        continue
      }
      this.#isAsking = true
      answer.then(
        (authorization) => {
          this.#isAsking = false
          this.#step(() => this.#settle(authorization))
        },
        (thrown: unknown) => this.#parts.broke(thrown),
      )
    }
  }

  #settle(authorization: Authorization): void {
    if (isPermit(authorization)) this.#mustCommit = true
    this.#parts.conversation.settle(authorization)
  }

  #flush(): void {
    const { client, target, conversation } = this.#parts
    const { out } = conversation
    if (!out.server.isEmpty) {
      if (this.#mustCommit) {
        this.#mustCommit = false
        this.#parts.commit()
      }
      const bytes = out.server.take()
      this.bytesUp += bytes.length
      if (!target.write(bytes)) this.#isTargetFull = true
    }
    if (!out.client.isEmpty) {
      const bytes = out.client.take()
      this.bytesDown += bytes.length
      if (!client.write(bytes)) this.#isClientFull = true
    }
    // Some answers are ours: who does not read them is not read either.
    if (conversation.takesClient && !this.#isTargetFull && !this.#isClientFull) {
      client.consumed(this.#owedToClient)
      this.#owedToClient = 0
    }
    if (conversation.takesServer && !this.#isClientFull) {
      target.consumed(this.#owedToTarget)
      this.#owedToTarget = 0
    }
    if (this.#hasClientEnded && !conversation.isWaiting) target.eof()
    if (this.#hasTargetEnded) client.eof()
  }
}

function isPermit(authorization: Authorization): authorization is Permit {
  return authorization.kind === 'permit'
}

import {
  mintPermit,
  refusal,
  type Authorization,
  type OperationId,
  type Outcome,
  type Passage,
  type RefusalCode,
} from '@sallyport/core'
import type { FileOperation } from '../../transfer/operation.ts'
import { SftpConversation } from '../conversation.ts'
import { init, packetsOf, response, versionReply } from './packets.ts'

/** A conversation whose both sides are the test's, that asks it, and tells it. */
export class World {
  readonly asked: FileOperation[] = []
  readonly refusedUnasked: { readonly text: string; readonly code: RefusalCode }[] = []
  readonly passages: Passage[] = []
  readonly outcomes: { readonly id: OperationId; readonly outcome: Outcome }[] = []
  readonly said: string[] = []
  isStanding = true
  /** What is asked waits until the test settles it. */
  isHolding = false
  readonly conversation: SftpConversation
  /** Refused is what touches a path with this in it. */
  refused: string | undefined

  constructor() {
    this.conversation = new SftpConversation({
      note: (passage) => void this.passages.push(passage),
      finish: ({ id }, outcome) => void this.outcomes.push({ id, outcome }),
      refuse: (operation, refused) => {
        this.refusedUnasked.push({ text: operation.text, code: refused.code })
        return refused
      },
      stands: () => this.isStanding,
      say: (line) => void this.said.push(line),
    })
  }

  /** One that is past its greeting, with a home. */
  static open(...extensions: readonly (readonly [string, string])[]): World {
    const world = new World()
    world.client(init)
    world.server(versionReply(...extensions))
    world.answer({ is: 'name', names: [Buffer.from('/home/a')] })
    return world
  }

  /** @returns what the target then hears */
  client(bytes: Buffer): Buffer {
    this.conversation.client(bytes)
    this.#settle()
    return this.toServer()
  }

  /** @returns what the client then hears */
  server(bytes: Buffer): Buffer {
    this.conversation.server(bytes)
    this.#settle()
    return this.toClient()
  }

  toServer(): Buffer {
    const bytes = this.conversation.out.server.take()
    this.#sent.push(bytes)
    return bytes
  }

  toClient(): Buffer {
    return this.conversation.out.client.take()
  }

  readonly #sent: Buffer[] = []

  /** Answers what the target was asked last. @returns what it then hears */
  answer(...answers: readonly Parameters<typeof response>[1][]): Buffer {
    for (const answer of answers) {
      this.toServer()
      const last = packetsOf(Buffer.concat(this.#sent)).at(-1)
      this.server(response(last!.id, answer))
    }
    return this.toServer()
  }

  settle(authorization: Authorization): void {
    this.conversation.settle(authorization)
    this.#settle()
  }

  #settle(): void {
    for (let asked; !this.isHolding && (asked = this.conversation.asked) !== undefined;) {
      this.asked.push(asked)
      this.conversation.settle(this.decide(asked))
    }
  }

  /** What the question of that number was judged as: each object with what is done to it. */
  judged(at: number): Record<string, readonly string[]> {
    const objects = this.asked[at]!.facts.flatMap((facts) => facts.objects)
    return Object.fromEntries(objects.map(({ path, actions }) => [path.slice(1).join('/'), actions]))
  }

  decide(operation: FileOperation): Authorization {
    const { refused } = this
    const paths = operation.facts.flatMap(({ context }) => context['paths'] as string[])
    const touches = refused !== undefined && paths.some((path) => path.includes(refused))
    return touches
      ? refusal('denied', 'not this file', 'Take another.')
      : mintPermit(this.asked.length as OperationId, { maskedTags: new Set() }, 0)
  }
}

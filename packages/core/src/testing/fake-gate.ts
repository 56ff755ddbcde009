import type { Duplex } from 'node:stream'
import type { Audience } from '../audience.ts'
import type { Facts } from '../facts.ts'
import type { OperationId, SessionId } from '../ids.ts'
import type { Operation, Outcome } from '../operation.ts'
import { mintPermit, type Authorization, type Permit } from '../permit.ts'
import type { Passage } from '../passage.ts'
import { refusal, type Refusal } from '../refusal.ts'
import type { Resource } from '../resource.ts'
import type { UpstreamCredential } from '../credential.ts'
import type { Gate, LoginClaim, Session, Tell } from '../session.ts'
import type { Subject } from '../identity.ts'

export interface Asked {
  readonly operation: Operation
  readonly facts: readonly Facts[]
}

/** A session that permits, refuses or holds as told, and lists what it was asked. It decides nothing and records nothing. */
export class FakeSession<Options> implements Session<Options> {
  readonly kind = 'session'
  readonly id = 'ses_TEST' as SessionId
  readonly asked: Asked[] = []
  readonly outcomes: Outcome[] = []
  readonly passages: Passage[] = []
  readonly #end = new AbortController()
  endedAs: string | undefined
  answer: (
    asked: Asked,
    tell: Tell,
    signal?: AbortSignal,
  ) => Refusal | 'permit' | Promise<Refusal | 'permit'> = () => 'permit'
  masked: ReadonlySet<string> = new Set()
  /** Everybody is there whom any permit asks for. */
  audience: Audience = { isPresent: () => true, onChange: () => ({ [Symbol.dispose]: () => undefined }) }

  readonly subject: Subject
  readonly resource: Resource<Options>
  readonly account: string
  readonly target: { dial: () => Promise<Duplex>; credential: UpstreamCredential }

  constructor(
    subject: Subject,
    resource: Resource<Options>,
    account: string,
    target: { dial: () => Promise<Duplex>; credential: UpstreamCredential },
  ) {
    this.subject = subject
    this.resource = resource
    this.account = account
    this.target = target
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  kill(reason: Refusal): void {
    this.#end.abort(reason)
  }

  dial(): Promise<Duplex> {
    return this.target.dial()
  }

  credential(): Promise<UpstreamCredential> {
    return Promise.resolve(this.target.credential)
  }

  authorize(
    operation: Operation,
    facts: readonly Facts[],
    tell: Tell,
    signal?: AbortSignal,
  ): Authorization | Promise<Authorization> {
    const asked = { operation, facts }
    const id = this.asked.push(asked) as OperationId
    const answer = this.answer(asked, tell, signal)
    const settle = (a: Refusal | 'permit'): Authorization =>
      a === 'permit' ? mintPermit(id, { maskedTags: this.masked }, 0) : a
    return answer instanceof Promise ? answer.then(settle) : settle(answer)
  }

  refuse(operation: Operation, refused: Refusal): Refusal {
    this.asked.push({ operation, facts: [] })
    return refused
  }

  stands(): boolean {
    return true
  }

  maskedTags(): ReadonlySet<string> {
    return this.masked
  }

  commit(): void {}

  note(passage: Passage): void {
    this.passages.push(passage)
  }

  finish(_permit: Permit, outcome: Outcome): void {
    this.outcomes.push(outcome)
  }

  ended(reason: string): void {
    this.endedAs = reason
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

/** A gate that opens every claim with `open`, and really routes interrupts. */
export function fakeGate<Options>(open: (claim: LoginClaim) => Session<Options> | Refusal): Gate<Options> {
  const keys = new Map<string, () => void>()
  const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')
  return {
    open: (claim) => Promise.resolve(open(claim)),
    accepts: () => Promise.resolve(true),
    signIn: () => Promise.resolve(refusal('unsupported', 'nobody signs in here')),
    authorizationServer: () => Promise.resolve({ metadataUrl: 'https://gateway.example/.well-known/x' }),
    interrupts: {
      register(key, fire) {
        keys.set(hex(key), fire)
        return { [Symbol.dispose]: () => void keys.delete(hex(key)) }
      },
    },
    interrupt(key) {
      const fire = keys.get(hex(key))
      fire?.()
      return Promise.resolve(fire !== undefined)
    },
  }
}

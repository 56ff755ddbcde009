import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint } from '../../world/endpoint.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import type { Random } from '../random.ts'
import { Ledger, type Loss } from './ledger.ts'
import { operations, WrongAnswer } from './operations.ts'
import { SessionLost, Talk } from './talk.ts'

/** How long a client waits before it tries to come in again. */
const retryMs = 250

/** Clients that come, work, leave, and come again when they are thrown out, until they are stopped. */
export class Load {
  readonly ledger = new Ledger()
  readonly #endpoint: () => Endpoint
  readonly #clients: Promise<void>[]
  #isStopping = false

  /** @param endpoint asked for anew for each session: tokens change */
  constructor(endpoint: () => Endpoint, clients: number, random: Random) {
    this.#endpoint = endpoint
    this.#clients = Array.from({ length: clients }, () => this.#client(random.fork()))
  }

  /** Resolves when every client has its last answer and has left. */
  async stop(): Promise<Ledger> {
    this.#isStopping = true
    await Promise.all(this.#clients)
    return this.ledger
  }

  async #client(random: Random): Promise<void> {
    while (!this.#isStopping) {
      const raw = await RawPostgres.connect(this.#endpoint()).catch((thrown: Error) => thrown)
      if (raw instanceof Error) {
        this.ledger.refusals.push(refusalOf(raw))
        await sleep(retryMs)
        continue
      }
      this.ledger.sessions++
      await using talk = new Talk(raw)
      await this.#work(talk, random)
    }
  }

  async #work(talk: Talk, random: Random): Promise<void> {
    const manyOperations = random.between(20, 400)
    for (let done = 0; done < manyOperations && !this.#isStopping; done++) {
      try {
        await random.pick(operations)(talk, this.ledger, random)
      } catch (thrown) {
        if (thrown instanceof SessionLost) this.ledger.losses.push(thrown.loss)
        else if (thrown instanceof WrongAnswer) this.ledger.wrong.push(thrown.message)
        else this.ledger.wrong.push(`a client: ${(thrown as Error).message}`)
        return
      }
      await sleep(random.between(0, 40))
    }
  }
}

/** `SQLSTATE words` where the gateway spoke; nothing that looks so where the connection was refused, or ended without words. */
function refusalOf(thrown: Error): Loss {
  const code = /^([0-9A-Z]{5}) /.exec(thrown.message)?.[1]
  return { code, words: thrown.message, isMidMessage: false }
}

import type { Bed } from '../bed.ts'
import { opsIn } from '../load/ledger.ts'
import { verifyRecording, verifySealLog } from './verifier.ts'

/** The most sessions that one list of the API names. */
const listed = 500

/** What the recordings say of the sessions since the last look. */
export interface Recorded {
  /** Operations that were let pass, by their names. */
  readonly ops: ReadonlySet<string>
  readonly sessions: number
  /** What does not hold of a recording or of the seal log. Must be empty. */
  readonly broken: readonly string[]
}

/** Verifies every recording once, and the seal log each time from its beginning. */
export class Recordings {
  readonly #bed: Bed
  readonly #seen = new Set<string>()

  constructor(bed: Bed) {
    this.#bed = bed
  }

  async look(): Promise<Recorded> {
    const { client } = this.#bed.sallyport.admin
    const { items } = await client.sessions.list({ limit: listed })
    const fresh = items.filter(({ id }) => !this.#seen.has(id))
    const broken: string[] = []
    if (fresh.length === listed) broken.push(`more than ${listed} sessions to look at`)
    const { publicKey } = await client.gateway.signingKey()
    const ops = new Set<string>()
    for (const { id, live } of fresh) {
      this.#seen.add(id)
      if (live) broken.push(`${id} is said to be live when nobody is there`)
      try {
        const { events } = verifyRecording(await this.#exported(id), publicKey)
        for (const event of events)
          if (event['kind'] === 'operation' && event['effect'] !== 'deny')
            for (const op of opsIn(JSON.stringify([event['text'], event['parameters']]))) ops.add(op)
      } catch (thrown) {
        broken.push(`${id}: ${(thrown as Error).message}`)
      }
    }
    broken.push(...this.#sealLog(publicKey, fresh))
    return { ops, sessions: fresh.length, broken }
  }

  #sealLog(publicKey: string, fresh: readonly { id: string }[]): string[] {
    try {
      const sealed = verifySealLog(this.#bed.sealsDirectory, publicKey)
      return fresh.filter(({ id }) => !sealed.has(id)).map(({ id }) => `${id} is not in the seal log`)
    } catch (thrown) {
      return [`the seal log: ${(thrown as Error).message}`]
    }
  }

  async #exported(id: string): Promise<string> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.#bed.sallyport.admin.client.sessions.export({ id })) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
}

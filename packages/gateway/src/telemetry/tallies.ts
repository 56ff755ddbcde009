import { Counter, type Registry } from 'prom-client'

/** What was done on one resource. hot path: plain numbers, read when somebody asks. */
export interface Tally {
  allow: number
  deny: number
  review: number
  maskedValues: number
}

/** Counts operations by resource. A resource is what an operator declared, so there are few. */
export class Tallies {
  readonly #byResource = new Map<string, Tally>()

  constructor(registry: Registry) {
    const registers = [registry]
    const all = this.#byResource
    new Counter({
      name: 'sallyport_operations_total',
      help: 'Operations recorded, by resource and by what policy said of them',
      labelNames: ['resource', 'effect'],
      registers,
      collect() {
        this.reset()
        for (const [resource, tally] of all)
          for (const effect of ['allow', 'deny', 'review'] as const)
            this.inc({ resource, effect }, tally[effect])
      },
    })
    new Counter({
      name: 'sallyport_masked_values_total',
      help: 'Values masked on their way to clients',
      labelNames: ['resource'],
      registers,
      collect() {
        this.reset()
        for (const [resource, { maskedValues }] of all) this.inc({ resource }, maskedValues)
      },
    })
  }

  of(resource: string): Tally {
    let tally = this.#byResource.get(resource)
    if (tally === undefined)
      this.#byResource.set(resource, (tally = { allow: 0, deny: 0, review: 0, maskedValues: 0 }))
    return tally
  }
}

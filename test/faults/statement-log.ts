import { soon } from '../world/soon.ts'
import type { Postgres } from '../world/postgres.ts'
import { opsIn } from './load/ledger.ts'

let marks = 0

/** Which operations the target says that it was asked to run, from its own log: `log_statement = all`. */
export class StatementLog {
  #ops = new Set<string>()
  #lastMark = 0

  /** Takes one line of the server's log. */
  readonly take = (line: string): void => {
    for (const op of opsIn(line)) this.#ops.add(op)
    const mark = /mark (\d+)/.exec(line)?.[1]
    if (mark !== undefined) this.#lastMark = Number(mark)
  }

  /** All that reached the target since the last call. Only what is said before this call is sure to be in it. */
  async since(server: Postgres): Promise<ReadonlySet<string>> {
    const mark = ++marks
    await server.query(`select 'mark ${mark}'`)
    await soon(() => (this.#lastMark === mark ? true : undefined), 120_000)
    const ops = this.#ops
    this.#ops = new Set()
    return ops
  }
}

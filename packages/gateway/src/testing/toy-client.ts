import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** A client of the toy protocol: says a line, hears a line. */
export class ToyClient implements Disposable {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#lines = createInterface({ input: this.#socket })[Symbol.asyncIterator]()
  }

  say(line: string): void {
    this.#socket.write(`${line}\n`)
  }

  /** The next line; `closed` where there is none. */
  async hear(): Promise<string> {
    const { value, done } = await this.#lines.next()
    return done === true ? 'closed' : value
  }

  async ask(line: string): Promise<string> {
    this.say(line)
    return this.hear()
  }

  /** Logs in. @returns what was answered */
  async logIn(token: string, resource: string): Promise<string> {
    await this.hear()
    return this.ask(`${token} ${resource}`)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

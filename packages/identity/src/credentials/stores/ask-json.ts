import { Agent as HttpAgent, request as overHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as overHttps, type AgentOptions } from 'node:https'
import { StoreProblem } from './store-problem.ts'

/** What a store answered. */
export interface StoreAnswer {
  readonly status: number
  /** Undefined where it is empty or no JSON. */
  readonly body: unknown
  /** How long it asks to be left alone. */
  readonly retryAfterMs: number | undefined
}

export interface StoreRequest {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** Connections to one store, over TLS that is verified; over plain HTTP only where its address says so. They are kept for the next question. */
export class StoreConnections implements Disposable {
  readonly #name: string
  readonly #agent: HttpAgent | HttpsAgent
  readonly #isPlain: boolean

  /** @param ca PEM, where the system does not know who signs the store's certificate */
  constructor(name: string, address: string, ca: string | undefined) {
    this.#name = name
    this.#isPlain = new URL(address).protocol === 'http:'
    const options: AgentOptions = { keepAlive: true, maxSockets: mostConnections, timeout: idleMs }
    this.#agent = this.#isPlain
      ? new HttpAgent(options)
      : new HttpsAgent({ ...options, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
  }

  /**
   * Asks once. A redirect is an answer like others, and not followed: it would take our token to where nobody has looked.
   * @throws StoreProblem unavailable where nothing answers within {@link answerMs}; malformed where it says too much
   */
  async ask({ method, url, headers, body, signal }: StoreRequest): Promise<StoreAnswer> {
    const limit = AbortSignal.timeout(answerMs)
    const options = {
      method,
      agent: this.#agent,
      headers: { accept: 'application/json', ...headers, ...lengthOf(body) },
      signal: AbortSignal.any([signal, limit]),
      maxHeaderSize: maxHeaderBytes,
    }
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = this.#isPlain ? overHttp(url, options) : overHttps(url, options)
        sent.on('error', reject).on('response', resolve).end(body)
      })
      const text = await this.#read(response)
      const seconds = Number(response.headers['retry-after'])
      return {
        status: response.statusCode ?? 0,
        body: parsed(text),
        retryAfterMs: seconds > 0 ? seconds * 1000 : undefined,
      }
    } catch (thrown) {
      if (thrown instanceof StoreProblem) throw thrown
      const why = limit.aborted
        ? `does not answer within ${answerMs / 1000} s`
        : `cannot be reached: ${codeOf(thrown)}`
      throw new StoreProblem('unavailable', `${this.#name} ${why}`, {
        cause: limit.aborted ? late : undefined,
      })
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  async #read(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBodyBytes) {
        response.destroy()
        throw new StoreProblem('malformed', `${this.#name} answers with more than ${maxBodyBytes} bytes`)
      }
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }
}

/** It was asked, and said nothing: asked again at once it would not either. */
export function isLate(thrown: unknown): boolean {
  return thrown instanceof StoreProblem && thrown.cause === late
}

const late = new Error('late')

function lengthOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Never its message, which may quote what was sent. */
function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  return /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'the connection failed'
}

/** From the question to the end of the answer. */
const answerMs = 5_000
const maxBodyBytes = 1_048_576
const maxHeaderBytes = 16_384
const mostConnections = 32
const idleMs = 30_000

import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import type { z } from 'zod'
import { ApiError } from './api-error.ts'
import { Problem } from './problem.ts'
import { apiPrefix, type CallInput, type CallOutput, type Route } from './route.ts'
import { routeTable, type RouteTable } from './table.ts'
import { exchange } from './transport.ts'
import { certificateByFingerprint } from './trust.ts'

export interface ClientOptions {
  /** `https://gateway.example:8443`. */
  readonly baseUrl: string
  readonly token?: string
  /** PEM of the authority to trust; the system's where neither this nor a fingerprint is given. */
  readonly ca?: string
  /** SHA-256 of the gateway's authority or certificate, as it printed it: trusted by that alone. */
  readonly fingerprint?: string
  /** How long to wait for the answer to begin. */
  readonly timeoutMs?: number
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

/** Routes without input are called without; where all of it is optional, it may be left out. */
type Call<R extends Route> =
  Record<never, never> extends CallInput<R>
    ? (input?: CallInput<R>, options?: CallOptions) => CallOutput<R>
    : (input: CallInput<R>, options?: CallOptions) => CallOutput<R>

/** Every call of the interface, by noun and verb. Each throws {@link ApiError}. */
export type Client = {
  readonly [Noun in keyof RouteTable]: {
    readonly [Verb in keyof RouteTable[Noun]]: RouteTable[Noun][Verb] extends infer R extends Route
      ? Call<R>
      : never
  }
}

export function createClient(options: ClientOptions): Client {
  const base = new URL(options.baseUrl)
  if (base.protocol !== 'https:') throw new TypeError('the gateway speaks https only')
  const caller = new Caller(base, options)
  const nouns = Object.entries(routeTable).map(([noun, verbs]) => [
    noun,
    Object.fromEntries(
      Object.entries(verbs).map(([verb, route]) => [
        verb,
        (input: object = {}, call: CallOptions = {}) => caller.call(route as Route, input, call),
      ]),
    ),
  ])
  // Built from the very table that the type is made of.
  return Object.fromEntries(nouns) as Client
}

class Caller {
  readonly #base: URL
  readonly #options: ClientOptions
  #ca: Promise<string> | undefined

  constructor(base: URL, options: ClientOptions) {
    this.#base = base
    this.#options = options
  }

  call(route: Route, input: object, call: CallOptions): unknown {
    const { answer } = route
    switch (answer.as) {
      case 'json':
        return this.#send(route, input, call).then(async (r) => parsed(answer.schema, await textOf(r)))
      case 'nothing':
        return this.#send(route, input, call).then((r) => void r.resume())
      case 'lines':
        return this.#lines(route, input, call, answer.schema)
      case 'file':
        return this.#bytes(route, input, call)
    }
  }

  async *#lines(route: Route, input: object, call: CallOptions, schema: z.ZodType): AsyncGenerator<unknown> {
    const response = await this.#send(route, input, call)
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity }))
        yield parsed(schema, line)
      if (!response.complete) throw cutShort()
    } catch (error) {
      throw error instanceof ApiError ? error : cutShort(error)
    } finally {
      response.destroy()
    }
  }

  async *#bytes(route: Route, input: object, call: CallOptions): AsyncGenerator<Uint8Array> {
    const response = await this.#send(route, input, call)
    try {
      for await (const chunk of response) yield chunk as Buffer
    } catch (error) {
      throw cutShort(error)
    } finally {
      response.destroy()
    }
  }

  async #send(route: Route, input: object, call: CallOptions): Promise<IncomingMessage> {
    const { url, body } = placed(route, input, this.#base)
    const ca = await this.#authority()
    const response = await exchange({
      url,
      method: route.method,
      headers: {
        accept: 'application/json, application/x-ndjson, */*;q=0.1',
        ...(this.#options.token === undefined ? {} : { authorization: `Bearer ${this.#options.token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      },
      timeoutMs: this.#options.timeoutMs ?? 60_000,
      signal: call.signal,
      ...(body === undefined ? {} : { body }),
      ...(ca === undefined ? {} : { ca }),
    })
    if (response.statusCode === route.answer.status) return response
    throw problemOf(response.statusCode ?? 0, await textOf(response))
  }

  #authority(): Promise<string> | string | undefined {
    const { ca, fingerprint } = this.#options
    if (ca !== undefined || fingerprint === undefined) return ca
    this.#ca ??= certificateByFingerprint(this.#base.href, fingerprint)
    return this.#ca
  }
}

/** Each key of the flat input where the route wants it. */
function placed(route: Route, input: object, base: URL): { url: URL; body?: string } {
  const given = new Map<string, unknown>(Object.entries(input))
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    const value = given.get(key)
    if (typeof value !== 'string' || value === '') throw new TypeError(`${key} is missing`)
    return encodeURIComponent(value)
  })
  const url = new URL(apiPrefix + path, base)
  for (const key of Object.keys(route.query?.shape ?? {})) {
    const value = given.get(key)
    if (value === undefined) continue
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new TypeError(`${key} cannot be in a query`)
    url.searchParams.set(key, String(value as string | number | boolean))
  }
  if (route.body === undefined) return { url }
  const keys = Object.keys(route.body.shape).filter((key) => given.get(key) !== undefined)
  return { url, body: JSON.stringify(Object.fromEntries(keys.map((key) => [key, given.get(key)]))) }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response) {
      size += (chunk as Buffer).length
      if (size > maxAnswerBytes) throw new Error('the answer is too large')
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    throw cutShort(error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(schema: z.ZodType, text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw notUnderstood(error)
  }
  const result = schema.safeParse(value)
  if (!result.success) throw notUnderstood(result.error)
  return result.data
}

function problemOf(status: number, text: string): ApiError {
  try {
    const problem = Problem.safeParse(JSON.parse(text))
    if (problem.success) return new ApiError(problem.data)
  } catch {
    // Not JSON: something that is no gateway answers there.
  }
  return new ApiError({
    status,
    code: 'bad-answer',
    detail: `the answer (HTTP ${status}) is none that a Sallyport gateway gives`,
    next: 'is this the address of its API, with nothing else in between?',
  })
}

function notUnderstood(cause: unknown): ApiError {
  return new ApiError(
    {
      status: 0,
      code: 'bad-answer',
      detail: 'the gateway’s answer was not understood',
      next: 'use a command line of the same version as the gateway',
    },
    { cause },
  )
}

function cutShort(cause?: unknown): ApiError {
  return new ApiError({ status: 0, code: 'bad-answer', detail: 'the answer was cut short' }, { cause })
}

const maxAnswerBytes = 64 * 1024 * 1024

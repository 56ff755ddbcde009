import type { z } from 'zod'

/** Every path of the contract stands below this. A change that breaks callers gets a new one. */
export const apiPrefix = '/api/v1'

/**
 * Who may call a route:
 * - `anyone` nobody need sign in
 * - `token` any living access token; what it may see or do is decided per object
 * - `replay` the session's own subject, or whom policy lets `replay` on its resource
 * - `administer` whom policy lets `administer`
 */
export type RouteAuth = 'anyone' | 'token' | 'replay' | 'administer'

type Fields = z.ZodObject

/** What a route answers with when all is well. */
export type Answer =
  | { readonly as: 'json'; readonly status: 200 | 201; readonly schema: z.ZodType }
  | { readonly as: 'nothing'; readonly status: 204 }
  /** One JSON value a line, as they come. */
  | { readonly as: 'lines'; readonly status: 200; readonly schema: z.ZodType }
  | { readonly as: 'file'; readonly status: 200; readonly mediaType: string }

/**
 * One call of the HTTP interface. `params`, `query` and `body` share no key: callers and implementations see
 * one flat input.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below {@link apiPrefix}, parameters in braces: `/sessions/{id}`. */
  readonly path: string
  readonly auth: RouteAuth
  /** Also for what acts for somebody: without it, only people and workloads by their own hand are let in. */
  readonly forActors?: true
  /** One line, for documents. */
  readonly summary: string
  readonly params?: Fields
  readonly query?: Fields
  readonly body?: Fields
  readonly answer: Answer
  /** Shown in documents; a test holds it against the schemas. `output` is one line's value where the answer is lines. */
  readonly example: { readonly input?: object; readonly output?: unknown }
}

/** Keeps the exact type of each schema, so that client and server are typed by the table. */
export function route<const R extends Route>(it: R): R {
  return it
}

export function json<S extends z.ZodType>(schema: S): { as: 'json'; status: 200; schema: S } {
  return { as: 'json', status: 200, schema }
}

export function created<S extends z.ZodType>(schema: S): { as: 'json'; status: 201; schema: S } {
  return { as: 'json', status: 201, schema }
}

export function lines<S extends z.ZodType>(schema: S): { as: 'lines'; status: 200; schema: S } {
  return { as: 'lines', status: 200, schema }
}

export const nothing = { as: 'nothing', status: 204 } as const

type Part<R extends Route, K extends 'params' | 'query' | 'body', Side extends 'in' | 'out'> = R extends {
  readonly [key in K]: infer S extends z.ZodType
}
  ? Side extends 'in'
    ? z.input<S>
    : z.output<S>
  : unknown

type Flat<T> = { [K in keyof T]: T[K] }

/** What a caller passes: defaults may be left out. */
export type CallInput<R extends Route> = Flat<
  Part<R, 'params', 'in'> & Part<R, 'query', 'in'> & Part<R, 'body', 'in'>
>

/** What an implementation gets: checked, defaults filled in. */
export type RouteInput<R extends Route> = Flat<
  Part<R, 'params', 'out'> & Part<R, 'query', 'out'> & Part<R, 'body', 'out'>
>

/** What a caller gets. */
export type CallOutput<R extends Route> = R['answer'] extends {
  as: 'json'
  schema: infer S extends z.ZodType
}
  ? Promise<z.output<S>>
  : R['answer'] extends { as: 'lines'; schema: infer S extends z.ZodType }
    ? AsyncIterable<z.output<S>>
    : R['answer'] extends { as: 'file' }
      ? AsyncIterable<Uint8Array>
      : Promise<void>

/** What an implementation returns: its values are checked against the schema before they leave. */
export type RouteOutput<R extends Route> = R['answer'] extends {
  as: 'json'
  schema: infer S extends z.ZodType
}
  ? z.input<S> | Promise<z.input<S>>
  : R['answer'] extends { as: 'lines'; schema: infer S extends z.ZodType }
    ? AsyncIterable<z.input<S>> | Promise<AsyncIterable<z.input<S>>>
    : R['answer'] extends { as: 'file' }
      ? AsyncIterable<Uint8Array>
      : void | Promise<void>

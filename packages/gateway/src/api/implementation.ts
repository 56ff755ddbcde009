import type { Route, RouteInput, RouteOutput, RouteTable } from '@sallyport/api'
import type { Authenticated } from '@sallyport/identity'

/** Who calls, proven by a living token. */
export type Caller = Authenticated

/** The request around the input. */
export interface Asking {
  /** The client's address, without its port. */
  readonly address: string
  /** Aborts when nobody waits for the answer any more. */
  readonly gone: AbortSignal
}

/** A route that asks for no token has no caller; every other has one. */
export type Call<R extends Route> = R['auth'] extends 'anyone' ? Asking : Asking & { readonly caller: Caller }

export type Implementation<R extends Route> = (input: RouteInput<R>, call: Call<R>) => RouteOutput<R>

/** One noun's routes. */
export type NounRoutes<Noun extends keyof RouteTable> = {
  readonly [Verb in keyof RouteTable[Noun]]: RouteTable[Noun][Verb] extends infer R extends Route
    ? Implementation<R>
    : never
}

/** All of them: a route without an implementation does not compile. */
export type Implementations = { readonly [Noun in keyof RouteTable]: NounRoutes<Noun> }

/** What stands between a request and its route. */
export interface Guards {
  /** @returns undefined for a token that is unknown, expired or revoked: never says which */
  caller(token: string, address: string): Promise<Caller | undefined>
  /** @throws ProblemError where they might with another sign-in */
  mayAdminister(caller: Caller): boolean
  /** May the caller see this session? False, too, where there is none. */
  mayReplay(caller: Caller, session: string): Promise<boolean>
}

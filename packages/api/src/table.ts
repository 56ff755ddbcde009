import { access } from './access.ts'
import { agents, joinTokens } from './agents.ts'
import { apply } from './apply.ts'
import { audit } from './audit.ts'
import { authorities } from './authorities.ts'
import { federation } from './federation.ts'
import { gateway } from './gateway.ts'
import { keys } from './keys.ts'
import { policies } from './policies.ts'
import { grants, requests } from './requests.ts'
import { resources } from './resources.ts'
import { reviews } from './reviews.ts'
import type { Route } from './route.ts'
import { scimTokens } from './scim-tokens.ts'
import { sessions } from './sessions.ts'
import { device, login, setup } from './setup.ts'
import { tokens } from './tokens.ts'
import { users } from './users.ts'
import { webhooks } from './webhooks.ts'
import { whoami } from './whoami.ts'

/** The whole HTTP interface, by noun and verb: server, client and OpenAPI document are made from it. */
export const routeTable = {
  setup,
  login,
  device,
  whoami,
  tokens,
  keys,
  users,
  resources,
  apply,
  policies,
  agents,
  joinTokens,
  requests,
  grants,
  access,
  reviews,
  sessions,
  federation,
  gateway,
  authorities,
  audit,
  webhooks,
  scimTokens,
}

export type RouteTable = typeof routeTable

export interface NamedRoute {
  readonly noun: string
  readonly verb: string
  readonly route: Route
}

export function allRoutes(): NamedRoute[] {
  return Object.entries(routeTable).flatMap(([noun, verbs]) =>
    Object.entries(verbs).map(([verb, route]) => ({ noun, verb, route: route as Route })),
  )
}

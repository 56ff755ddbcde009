import { caFilePlaceholder, filePlaceholder, tokenPlaceholder } from '@sallyport/api'
import { mayBreakGlass } from '@sallyport/access'
import {
  actorKey,
  approvalsIn,
  groupsIn,
  type Clock,
  type Resource,
  type StreamProtocol,
  type Subject,
} from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'
import type { Grant, Store } from '@sallyport/store'
import type { AttachedAgent } from '@sallyport/tunnel'
import { notFound, ProblemError } from '../../front/problem.ts'
import type { Plane } from '../../start/plane.ts'
import type { NounRoutes } from '../implementation.ts'
import type { Authorize } from '../authorize.ts'
import { needsView, time } from '../views.ts'

export interface ResourceParts {
  readonly store: Pick<Store, 'read' | 'write'>
  readonly clock: Clock
  readonly policies: { readonly point: DecisionPoint }
  readonly authorize: Pick<Authorize, 'mayAdminister'>
  readonly protocols: readonly StreamProtocol[]
  readonly publicHost: string
  /** Where this gateway listens for a protocol; undefined where it does not. */
  readonly portOf: (protocol: string) => number | undefined
  readonly plane: Pick<Plane, 'attached' | 'suggestTags'>
}

export function resourceRoutes(parts: ResourceParts): NounRoutes<'resources'> {
  const { authorize, store } = parts
  const { read } = store
  return {
    list: async ({ all }, { caller }) => {
      if (all && !authorize.mayAdminister(caller.subject)) {
        throw new ProblemError('forbidden', 'only administrators see what they may not reach')
      }
      const now = await lookAround(parts, caller.subject)
      const views = (await read.resources.list()).map((it) => viewFor(parts, caller.subject, it, now))
      return { items: views.filter((it) => all || isReachable(it)) }
    },
    get: async ({ name }, { caller }) => {
      const resource = await read.resources.get(name)
      const now = await lookAround(parts, caller.subject)
      const view = resource === undefined ? undefined : viewFor(parts, caller.subject, resource, now)
      const isVisible = view !== undefined && (isReachable(view) || authorize.mayAdminister(caller.subject))
      if (!isVisible) throw notFound('resource')
      return view
    },
    suggestTags: async ({ name, account: asked, rows, schema, database }, { caller }) => {
      const resource = await read.resources.get(name)
      const account = resource?.accounts.find((one, i) =>
        asked === undefined ? i === 0 : one.name === asked,
      )
      if (resource === undefined) throw notFound('resource')
      if (account === undefined) throw notFound('account')
      const place = schema === undefined ? '' : `, schema ${schema}`
      await store.write(caller.subject, 'sample a resource to suggest tags', (tx) => {
        tx.note(`${rows} rows a table of ${name} as ${account.name}${place}`, { kind: 'resource' })
        return Promise.resolve()
      })
      const question = {
        resource: name,
        account: account.name,
        rows,
        ...(schema !== undefined && { schema }),
        ...(database !== undefined && { database }),
      }
      const { suggestions, tables, leftOut } = await parts.plane.suggestTags(
        question,
        AbortSignal.timeout(samplingMs),
      )
      const declared = new Set(resource.masking.columns.map(({ column, tag }) => `${column} ${tag}`))
      const items = suggestions.map((it) => ({ ...it, isDeclared: declared.has(`${it.column} ${it.tag}`) }))
      return { items, tables, leftOut: [...leftOut] }
    },
  }
}

/** What changes from moment to moment. */
interface Now {
  readonly attached: readonly Pick<AttachedAgent, 'pool'>[]
  /** Of the caller's principal, those that are good. */
  readonly grants: readonly Grant[]
}

async function lookAround(
  { store: { read }, clock, plane }: ResourceParts,
  { principal }: Subject,
): Promise<Now> {
  const grants = await read.grants.list({
    principalId: principal.id,
    goodAtMs: clock.now(),
    limit: maxGrants,
  })
  return { attached: await plane.attached(), grants }
}

function isReachable({ accounts, mayRequest }: Pick<ReturnType<typeof viewFor>, 'accounts' | 'mayRequest'>) {
  return accounts.length > 0 || mayRequest.length > 0
}

function viewFor(parts: ResourceParts, subject: Subject, resource: Resource, { attached, grants }: Now) {
  const { point } = parts.policies
  const port = parts.portOf(resource.protocol)
  const protocol = parts.protocols.find(({ name }) => name === resource.protocol)
  const endpoint = { host: parts.publicHost, port: port ?? 0 }
  // Whoever may connect with another sign-in is told so then.
  const asAsked = point.signedInAsAsked()
  const decisions = resource.accounts.map(({ name }) => asAsked.connect(subject, resource, name))
  const accounts = resource.accounts.flatMap(({ name }, i) => {
    const effect = decisions[i]?.effect
    const holders = point.holders(subject, resource, name)
    const mine = grants.filter(({ actor }) => holders.includes(actorKey(actor)))
    const grant = effect === 'request' ? longest(mine, resource.name, name) : undefined
    if (effect !== 'allow' && grant === undefined) return []
    if (port === undefined || protocol === undefined) return []
    const hints = protocol.hints({
      endpoint: { ...endpoint, caFile: caFilePlaceholder },
      resource: resource.name,
      token: tokenPlaceholder,
      fileAt: filePlaceholder,
      // The first needs no naming.
      ...(i === 0 ? {} : { account: name }),
    })
    return [
      {
        name,
        hints: hints.map(({ files, ...hint }) => ({
          ...hint,
          command: [...hint.command],
          environment: { ...hint.environment },
          ...(files !== undefined && {
            files: files.map(({ name: file, content, isProgram = false }) => ({
              name: file,
              content,
              isProgram,
            })),
          }),
        })),
        ...(grant === undefined ? {} : { grant: { id: grant.id, endsAt: time(grant.endsAt) } }),
      },
    ]
  })
  const mayRequest = resource.accounts.flatMap(({ name }, i) => {
    const decision = decisions[i]
    if (decision?.effect !== 'request') return []
    const { terms, reason } = decision
    return [
      {
        name,
        maxSeconds: terms.durationMs / 1000,
        reviewers: groupsIn(terms.needs),
        approvalsNeeded: approvalsIn(terms.needs),
        needs: needsView(terms.needs),
        ...(reason === undefined ? {} : { reason }),
        mayBreakGlass: mayBreakGlass(subject, terms),
      },
    ]
  })
  return {
    name: resource.name,
    protocol: resource.protocol,
    labels: { ...resource.labels },
    accounts,
    mayRequest,
    endpoint,
    agents: attached.filter(({ pool }) => pool === resource.agent).length,
    maskedTags: [...point.maskedTags(subject, resource)].toSorted(),
  }
}

function longest(grants: readonly Grant[], resource: string, account: string): Grant | undefined {
  return grants
    .filter((grant) => grant.resource === resource && grant.account === account)
    .reduce<Grant | undefined>((a, b) => (a !== undefined && a.endsAt >= b.endsAt ? a : b), undefined)
}

/** For all of a sampling. */
const samplingMs = 15_000
/** Of one person at one time. */
const maxGrants = 1000

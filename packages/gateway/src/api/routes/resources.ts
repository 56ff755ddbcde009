import { caFilePlaceholder, tokenPlaceholder } from '@sallyport/api'
import type { Resource, StreamProtocol, Subject } from '@sallyport/core'
import type { DecisionPoint } from '@sallyport/policy'
import type { Readers } from '@sallyport/store'
import type { AttachedAgent } from '@sallyport/tunnel'
import { notFound, ProblemError } from '../../front/problem.ts'
import type { NounRoutes } from '../implementation.ts'
import type { Authorize } from '../authorize.ts'

export interface ResourceParts {
  readonly read: Pick<Readers, 'resources'>
  readonly policies: { readonly point: DecisionPoint }
  readonly authorize: Pick<Authorize, 'mayAdminister'>
  readonly protocols: readonly StreamProtocol[]
  readonly publicHost: string
  /** Where this gateway listens for a protocol; undefined where it does not. */
  readonly portOf: (protocol: string) => number | undefined
  readonly attached: () => Promise<readonly Pick<AttachedAgent, 'pool'>[]>
}

export function resourceRoutes(parts: ResourceParts): NounRoutes<'resources'> {
  const { read, authorize } = parts
  return {
    list: async ({ all }, { caller }) => {
      if (all && !authorize.mayAdminister(caller.subject)) {
        throw new ProblemError('forbidden', 'only administrators see what they may not reach')
      }
      const attached = await parts.attached()
      const views = (await read.resources.list()).map((it) => viewFor(parts, caller.subject, it, attached))
      return { items: views.filter((it) => all || it.accounts.length > 0) }
    },
    get: async ({ name }, { caller }) => {
      const resource = await read.resources.get(name)
      const view =
        resource === undefined ? undefined : viewFor(parts, caller.subject, resource, await parts.attached())
      const isVisible =
        view !== undefined && (view.accounts.length > 0 || authorize.mayAdminister(caller.subject))
      if (!isVisible) throw notFound('resource')
      return view
    },
  }
}

function viewFor(
  parts: ResourceParts,
  subject: Subject,
  resource: Resource,
  attached: readonly Pick<AttachedAgent, 'pool'>[],
) {
  const { point } = parts.policies
  const port = parts.portOf(resource.protocol)
  const protocol = parts.protocols.find(({ name }) => name === resource.protocol)
  const endpoint = { host: parts.publicHost, port: port ?? 0 }
  const accounts = resource.accounts.flatMap(({ name }, i) => {
    const { effect } = point.connect(subject, resource, name)
    if (effect !== 'allow' || port === undefined || protocol === undefined) return []
    const hints = protocol.hints({
      endpoint: { ...endpoint, caFile: caFilePlaceholder },
      resource: resource.name,
      token: tokenPlaceholder,
      // The first needs no naming.
      ...(i === 0 ? {} : { account: name }),
    })
    return [
      {
        name,
        hints: hints.map((hint) => ({
          ...hint,
          command: [...hint.command],
          environment: { ...hint.environment },
        })),
      },
    ]
  })
  return {
    name: resource.name,
    protocol: resource.protocol,
    labels: { ...resource.labels },
    accounts,
    endpoint,
    agents: attached.filter(({ pool }) => pool === resource.agent).length,
    maskedTags: [...point.maskedTags(subject, resource)].toSorted(),
  }
}

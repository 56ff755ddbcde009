import { tagsOf, type DocumentInput, type Finding } from '@sallyport/api'
import { actorCalled, onOwnBehalf, principalId, type Resource, type Subject } from '@sallyport/core'
import { readDocuments } from './documents.ts'
import { exit, Failure } from './failure.ts'

type Of<Kind> = Extract<DocumentInput, { kind: Kind }>

interface About {
  readonly principal: string
  readonly actor?: { readonly kind: 'user' | 'workload' | 'agent'; readonly id: string }
  readonly action: string
  readonly target?: string
  readonly resource?: string
  readonly account?: string
  readonly facts?: Record<string, boolean | number | string>
}

/**
 * Answers by files as `apply` takes them: their policies, resources and users, and nothing else.
 * @param groups of the person, where no document declares them
 * @throws Failure where the files do not stand, or the question is about something that they do not declare
 */
export async function findOffline(
  paths: readonly string[],
  groups: readonly string[] | undefined,
  { principal, actor, resource: name, ...inquiry }: About,
): Promise<Finding> {
  const { documents } = await readDocuments(paths, 'without secrets')
  const { compilePolicies, inquire, NotAsked, PolicyError, tellStep } = await import('@sallyport/policy')
  const { detectorTags, vocabularyOfProtocols } = await import('@sallyport/gateway')
  const subject = subjectOf(documents, principal, groups, actor)
  const resource = name === undefined ? undefined : resourceOf(documents, name)
  try {
    const point = compilePolicies({
      policies: documents.filter((it) => it.kind === 'Policy'),
      vocabulary: vocabularyOfProtocols,
      version: 'offline',
      detectorTags,
    })
    const { answer, steps } = inquire(point, subject, resource, inquiry)
    return {
      principal: { ...subject.principal, groups: [...subject.principal.groups] },
      actor: { ...subject.actor },
      answer,
      steps: steps.map(tellStep),
    }
  } catch (error) {
    if (error instanceof NotAsked || error instanceof PolicyError)
      throw new Failure(error.message, { exitCode: exit.usage })
    throw error
  }
}

function subjectOf(
  documents: readonly DocumentInput[],
  principal: string,
  groups: readonly string[] | undefined,
  actor: About['actor'],
): Subject {
  const [, kind = 'user', id = principal] = /^(user|workload):(.+)$/.exec(principal) ?? []
  const declared = documents.find((it): it is Of<'User'> => it.kind === 'User' && it.name === id)
  const known = groups ?? (kind === 'user' ? declared?.groups : [])
  if (known === undefined)
    throw new Failure(`no document declares the user ${id}`, {
      exitCode: exit.usage,
      next: 'name groups: --group NAME',
    })
  const of = kind === 'workload' ? 'workload' : 'user'
  const itself = onOwnBehalf({ kind: of, id: principalId(of, id), name: id, groups: known })
  return actor === undefined ? itself : { ...itself, actor: actorCalled(actor.kind, actor.id) }
}

/** As far as policies can see it. */
function resourceOf(documents: readonly DocumentInput[], name: string): Resource {
  const found = documents.find((it): it is Of<'Resource'> => it.kind === 'Resource' && it.name === name)
  if (found === undefined)
    throw new Failure(`no document declares the resource ${name}`, {
      exitCode: exit.usage,
      next: 'name its file as well: --policies policies/ resources.yaml',
    })
  const {
    protocol,
    host,
    port = 0,
    agent,
    labels = {},
    accounts,
    masking = {},
    recording = 'batched',
  } = found
  const columns = Object.entries(masking.columns ?? {}).flatMap(([column, declared]) =>
    tagsOf(declared).map((tag) => ({ column, tag })),
  )
  return {
    name,
    protocol,
    host,
    port,
    agent,
    labels,
    // Policies know accounts by their names.
    accounts: accounts.map((account) => ({ name: account.name, credential: { from: 'none' } })),
    recording,
    masking: { mode: masking.mode ?? 'strict', columns, detectors: masking.detectors ?? [], redactors: {} },
    options: {},
  }
}

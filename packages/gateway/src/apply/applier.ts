import type { Document, IssuerDocument, Plan, UserDocument, WebhookDocument } from '@sallyport/api'
import { Secret, type Clock, type Issuer, type Resource, type Subject, type Webhook } from '@sallyport/core'
import { contextOf, type SealedBox } from '@sallyport/identity'
import { differenceOf, PolicyError, type DecisionPoint } from '@sallyport/policy'
import type { Store, User, Writers } from '@sallyport/store'
import { invalidPolicy, ProblemError } from '../front/problem.ts'
import type { PolicyInForce } from '../policy/in-force.ts'
import { policiesOf } from '../policy/versions.ts'
import { declaredNow } from './declared.ts'
import { after, keyOf, planChanges } from './plan.ts'
import { documentOf, resourceOf, type KnownWords } from './resource-document.ts'

export interface ApplierParts {
  readonly store: Store
  readonly policies: PolicyInForce
  readonly known: KnownWords
  readonly box: SealedBox
  readonly clock: Clock
  readonly onApplied: (by: Subject, plan: Plan) => void
}

export interface ApplyRequest {
  readonly documents: readonly Document[]
  readonly dryRun: boolean
  /** Also delete what is not among the documents, for the kinds that occur among them. */
  readonly prune: boolean
  /** The version of the policies that must be in force still. */
  readonly basedOn?: string | undefined
  /** Why, for the history of the policies. */
  readonly note?: string | undefined
}

export type RollbackRequest = Pick<ApplyRequest, 'dryRun' | 'basedOn' | 'note'> & {
  /** Whose policies are to be in force again, those and no others. */
  readonly version: string
}

/** What is to be so, and what is to be gone. */
interface Wanted extends Omit<ApplyRequest, 'prune'> {
  readonly pruned: ReadonlySet<Document['kind']>
}

/** Makes declared documents so: plans, judges the whole before anything changes, then changes all in one transaction. */
export class Applier {
  readonly #parts: ApplierParts
  /** Plans are made against what stands: one at a time. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: ApplierParts) {
    this.#parts = parts
  }

  /** @throws ProblemError invalid-request, invalid-policy, would-lock-out, conflict */
  apply(by: Subject, { prune, ...request }: ApplyRequest): Promise<Plan> {
    const pruned = new Set(prune ? request.documents.map(({ kind }) => kind) : [])
    return this.#inTurn(() => this.#apply(by, { ...request, pruned }))
  }

  /** The policies of an earlier version, as a new one. @throws ProblemError not-found, and as {@link apply} */
  rollback(by: Subject, { version, note, ...request }: RollbackRequest): Promise<Plan> {
    return this.#inTurn(async () => {
      const documents = (await policiesOf(this.#parts.store, version)).map(({ name, text }): Document => ({
        kind: 'Policy',
        name,
        text,
      }))
      const why = [`back to ${version}`, ...(note === undefined ? [] : [note])].join(': ')
      return this.#apply(by, { ...request, documents, pruned: new Set(['Policy']), note: why })
    })
  }

  #inTurn(work: () => Promise<Plan>): Promise<Plan> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  async #apply(by: Subject, { documents, dryRun, pruned, basedOn, note }: Wanted): Promise<Plan> {
    const { store, policies, box, clock } = this.#parts
    refuseDuplicates(documents)
    const { wanted, resources } = this.#understood(documents)
    const inForce = await store.read.policies.current()
    const before = inForce?.version ?? 0
    if (basedOn !== undefined && basedOn !== String(before)) throw movedOn(before)
    const current = await declaredNow(store, box)
    refuseProviders(await store.read.users.list(), documents)
    const plan = planChanges(current, wanted, pruned)
    const standing = after(current, wanted, plan)
    refuseDangling(standing, documents)
    refuseAmbiguous(standing, documents)

    const isNewSet = plan.some(({ kind, action }) => kind === 'Policy' && action !== 'unchanged')
    const version = isNewSet ? before + 1 : before
    const texts = standing.filter((it) => it.kind === 'Policy')
    const point = isNewSet ? compiled(policies, texts, version) : policies.point
    refuseLockOut(by, standing, point.at(clock.now()))

    const isChange = plan.some(({ action }) => action !== 'unchanged')
    const answer = {
      plan,
      applied: isChange && !dryRun,
      basedOn: String(before),
      policyVersion: String(version),
      warnings: [...(isNewSet ? warnings(policies, texts) : []), ...plan.flatMap(withoutPassword)],
    }
    if (!answer.applied) return answer
    await store.write(by, 'apply', async (tx) => {
      const now = (await tx.policies.current())?.version ?? 0
      if (now !== before) throw movedOn(now)
      for (const change of plan) {
        if (change.action === 'delete') await remove(tx, change)
        else if (change.action !== 'unchanged') await this.#write(tx, wanted, resources, change)
      }
      if (!isNewSet) return
      await tx.policies.apply(texts, by.principal.id, note)
      tx.note(shortened(differenceOf(inForce?.texts ?? [], texts), before, version))
    })
    if (isNewSet) policies.use(point)
    this.#parts.onApplied(by, answer)
    return answer
  }

  /** Resources as their protocols understand them, with all defaults in place: so the same file again changes nothing. */
  #understood(documents: readonly Document[]): { wanted: Document[]; resources: Map<string, Resource> } {
    const resources = new Map<string, Resource>()
    const errors: { path: string; message: string }[] = []
    const wanted = documents.map((document, i): Document => {
      if (document.kind !== 'Resource') return document
      const resource = resourceOf(document, this.#parts.known)
      if ('masking' in resource) {
        resources.set(resource.name, resource)
        return documentOf(resource)
      }
      errors.push(...resource.map(({ path, message }) => ({ path: `documents.${i}.${path}`, message })))
      return document
    })
    refuse(errors, documents)
    return { wanted, resources }
  }

  async #write(
    tx: Writers,
    wanted: readonly Document[],
    resources: ReadonlyMap<string, Resource>,
    change: { readonly kind: Document['kind']; readonly name: string },
  ): Promise<void> {
    const document = wanted.find((it) => keyOf(it) === keyOf(change))
    switch (document?.kind) {
      case 'Resource': {
        const resource = resources.get(document.name)
        if (resource !== undefined) await tx.resources.put(resource)
        return
      }
      case 'Credential':
        await tx.credentials.put(
          document.name,
          this.#parts.box.sealText(contextOf(document.name), new Secret(document.password)),
        )
        return
      case 'User':
        return writeUser(tx, document)
      case 'Webhook':
        return tx.webhooks.put(webhookOf(document))
      case 'Issuer':
        return tx.issuers.put(issuerOf(document))
      case 'Policy': // Policies are written as one set.
      case undefined:
    }
  }
}

/** The diff of two versions, for the audit log. */
function shortened(difference: string, before: number, version: number): string {
  if (difference.length <= maxAuditedDifference) return difference
  return `${difference.slice(0, maxAuditedDifference)}\n… cut here: sallyport policy diff ${before} ${version} shows all of it`
}

function movedOn(version: number): ProblemError {
  return new ProblemError(
    'conflict',
    `the policies are not those that this was made for: version ${version} is in force`,
    {
      next: 'look at what would change now, and decide again',
    },
  )
}

async function remove(tx: Writers, { kind, name }: { kind: Document['kind']; name: string }): Promise<void> {
  if (kind === 'Resource') {
    await tx.resources.delete(name)
    // Another one may get its name.
    await tx.grants.revoke({ resource: name }, 'system', 'the resource was deleted')
  }
  if (kind === 'Credential') await tx.credentials.delete(name)
  if (kind === 'Webhook') await tx.webhooks.delete(name)
  if (kind === 'Issuer') await tx.issuers.delete(name)
}

async function writeUser(tx: Writers, { name, groups }: UserDocument): Promise<void> {
  const isNew = await tx.users.create({ name, displayName: name, groups })
  if (!isNew) await tx.users.setGroups(name, groups)
}

function compiled(
  policies: PolicyInForce,
  texts: readonly { name: string; text: string }[],
  version: number,
): DecisionPoint {
  try {
    return policies.compile(texts, version)
  } catch (error) {
    throw error instanceof PolicyError ? invalidPolicy(error.problems) : error
  }
}

function warnings(policies: PolicyInForce, texts: readonly { name: string; text: string }[]): string[] {
  return policies
    .check(texts)
    .filter(({ severity }) => severity === 'warning')
    .map((it) => `${it.file}:${it.line}:${it.column}: ${it.message}`)
}

function withoutPassword({ action, kind, name }: Plan['plan'][number]): string[] {
  return action === 'create' && kind === 'User'
    ? [`user ${name} has no password yet: make them a set-up link`]
    : []
}

function refuseDuplicates(documents: readonly Document[]): void {
  const seen = new Set<string>()
  const errors = documents.flatMap((document, i) => {
    const isAgain = seen.has(keyOf(document))
    seen.add(keyOf(document))
    return isAgain
      ? [{ path: `documents.${i}`, message: `${document.kind} ${document.name} is declared twice` }]
      : []
  })
  refuse(errors, documents)
}

/** A sealed credential must be there for whoever names it. */
function refuseDangling(standing: readonly Document[], documents: readonly Document[]): void {
  const sealed = new Set(standing.flatMap((it) => (it.kind === 'Credential' ? it.name : [])))
  const errors = standing.flatMap((document) => {
    if (document.kind === 'Webhook') return danglingSecrets(document, sealed, documents)
    if (document.kind !== 'Resource') return []
    return document.accounts.flatMap(({ name, credential }, n) => {
      if (credential.from !== 'sealed' || sealed.has(credential.name)) return []
      const i = documents.findIndex((it) => keyOf(it) === keyOf(document))
      return {
        path: i < 0 ? keyOf(document) : `documents.${i}.accounts.${n}.credential`,
        message: `account ${name} of ${document.name} needs the credential ${credential.name}, which would not be there`,
      }
    })
  })
  refuse(errors, documents)
}

function danglingSecrets(
  document: WebhookDocument,
  sealed: ReadonlySet<string>,
  documents: readonly Document[],
): { path: string; message: string }[] {
  return (['url', 'secret'] as const).flatMap((key) => {
    const source = document[key]
    if (typeof source !== 'object' || source.from !== 'sealed' || sealed.has(source.name)) return []
    const i = documents.findIndex((it) => keyOf(it) === keyOf(document))
    const path = i < 0 ? keyOf(document) : `documents.${i}.${key}`
    return { path, message: `its ${key} needs the credential ${source.name}, which would not be there` }
  })
}

function webhookOf({ name, url, events, form, secret, statements, allow }: WebhookDocument): Webhook {
  return { name, url, events, form, secret, statements, allow }
}

function issuerOf({ kind: _kind, ...issuer }: IssuerDocument): Issuer {
  return issuer
}

/** Whom a provider vouches for is in the groups that it says. */
function refuseProviders(users: readonly User[], documents: readonly Document[]): void {
  const theirs = new Set(users.filter(({ provider }) => provider !== null).map(({ name }) => name))
  const errors = documents.flatMap(({ kind, name }, i) =>
    kind === 'User' && theirs.has(name)
      ? [
          {
            path: `documents.${i}.name`,
            message: 'their provider says who they are and what groups they are in',
          },
        ]
      : [],
  )
  refuse(errors, documents)
}

/** A token must be of one issuer, and a workload must be told by one rule: its groups are that rule's. */
function refuseAmbiguous(standing: readonly Document[], documents: readonly Document[]): void {
  const issuers = standing.filter((it) => it.kind === 'Issuer')
  const taken = new Map<string, string>()
  const errors: { path: string; message: string }[] = []
  for (const issuer of issuers) {
    const i = documents.findIndex((it) => keyOf(it) === keyOf(issuer))
    const base = i < 0 ? keyOf(issuer) : `documents.${i}`
    const other = issuers.find((it) => it !== issuer && it.issuer === issuer.issuer)
    if (other !== undefined)
      errors.push({ path: `${base}.issuer`, message: `issuer ${other.name} has this address too` })
    issuer.rules.forEach(({ name, is }, n) => {
      if (is === 'person') return
      const by = taken.get(is.workload)
      if (by !== undefined)
        errors.push({
          path: `${base}.rules.${n}.is`,
          message: `workload ${is.workload} is told by rule ${by} already: give that one more values to match`,
        })
      taken.set(is.workload, `${name} of ${issuer.name}`)
    })
  }
  refuse(errors, documents)
}

/** Whoever applies must be able to mend what they applied. */
function refuseLockOut(by: Subject, standing: readonly Document[], point: DecisionPoint): void {
  const { principal } = by
  const user = standing.find((it) => it.kind === 'User' && `user:${it.name}` === principal.id)
  const groups = user?.kind === 'User' ? user.groups : principal.groups
  if (point.may({ ...by, principal: { ...principal, groups } }, 'administer').effect === 'allow') return
  throw new ProblemError('would-lock-out', 'after this you could administer the gateway no more', {
    next: 'keep a policy and a group by which you may administer',
  })
}

function refuse(errors: readonly { path: string; message: string }[], documents: readonly Document[]): void {
  const [first] = errors
  if (first === undefined) return
  const at = /^documents\.(\d+)/.exec(first.path)?.[1]
  const document = at === undefined ? undefined : documents[Number(at)]
  const where = document === undefined ? '' : `${document.kind} ${document.name}: `
  throw new ProblemError('invalid-request', `${where}${first.message}`, { errors })
}

/** Characters. */
const maxAuditedDifference = 16_384

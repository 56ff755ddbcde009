import {
  differenceOf,
  PolicyError,
  runPolicyTests,
  type DecisionPoint,
  type PolicyText,
} from '@sallyport/policy'
import type { PolicySet, PolicyVersion, Store } from '@sallyport/store'
import type { Applier } from '../../apply/applier.ts'
import { invalidPolicy } from '../../front/problem.ts'
import type { PolicyInForce } from '../../policy/in-force.ts'
import type { Inquiries } from '../../policy/inquiries.ts'
import type { Simulations } from '../../policy/simulations.ts'
import { noneYet, policySet } from '../../policy/versions.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export interface PolicyParts {
  readonly store: Pick<Store, 'read'>
  readonly policies: PolicyInForce
  readonly applier: Pick<Applier, 'rollback'>
  readonly inquiries: Inquiries
  readonly simulations: Pick<Simulations, 'start'>
}

export function policyRoutes({
  store,
  policies,
  applier,
  inquiries,
  simulations,
}: PolicyParts): NounRoutes<'policies'> {
  const current = async (): Promise<PolicySet> => (await store.read.policies.current()) ?? noneYet
  return {
    current: async () => whole(await current()),
    versions: async () => ({ items: (await store.read.policies.list(maxVersions)).map(heading) }),
    version: async ({ version }) => whole(await policySet(store, version)),
    difference: async ({ from, to }) => {
      const [before, after] = [
        await policySet(store, from),
        to === undefined ? await current() : await policySet(store, to),
      ]
      return {
        from: String(before.version),
        to: String(after.version),
        difference: differenceOf(before.texts, after.texts),
      }
    },
    rollback: (request, { caller }) => applier.rollback(caller.subject, request),
    can: (about, { caller }) => inquiries.can(caller.subject, about),
    whoCan: async (inquiry) => ({ items: await inquiries.whoCan(inquiry) }),
    simulate: (request, { caller }) => simulations.start(caller.subject, request),
    check: async ({ policies: texts }) => ({ problems: await policies.checkInTurns(texts) }),
    test: ({ policies: texts, cases }) => {
      const point = texts === undefined ? policies.point : compiled(policies, texts)
      const { results, problems, passed, failed } = runPolicyTests(point, cases)
      return { results: [...results], problems: [...problems], passed, failed }
    },
  }
}

function compiled(policies: PolicyInForce, texts: readonly PolicyText[]): DecisionPoint {
  try {
    return policies.compile(texts, 0)
  } catch (error) {
    throw error instanceof PolicyError ? invalidPolicy(error.problems) : error
  }
}

const heading = ({ version, author, at, note }: PolicyVersion) => ({
  version: String(version),
  by: author,
  at: time(at),
  note,
})
const whole = (set: PolicySet) => ({
  ...heading(set),
  policies: set.texts.map(({ name, text }) => ({ name, text })),
})
const maxVersions = 500

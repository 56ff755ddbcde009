import { PolicyError, runPolicyTests, type DecisionPoint, type PolicyText } from '@sallyport/policy'
import type { PolicySet, Readers } from '@sallyport/store'
import { invalidPolicy, notFound } from '../../front/problem.ts'
import type { PolicyInForce } from '../../policy/in-force.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

export function policyRoutes(
  read: Pick<Readers, 'policies'>,
  policies: PolicyInForce,
): NounRoutes<'policies'> {
  return {
    current: async () => whole((await read.policies.current()) ?? noneYet),
    versions: async () => ({ items: (await read.policies.list(maxVersions)).map(heading) }),
    version: async ({ version }) => {
      const set = /^\d{1,9}$/.test(version) ? await read.policies.get(Number(version)) : undefined
      if (set === undefined) throw notFound('version')
      return whole(set)
    },
    check: ({ policies: texts }) => ({ problems: policies.check(texts) }),
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

const heading = ({ version, author, at }: PolicySet) => ({
  version: String(version),
  by: author,
  at: time(at),
})
const whole = (set: PolicySet) => ({
  ...heading(set),
  policies: set.texts.map(({ name, text }) => ({ name, text })),
})
/** Before anybody applied any. */
const noneYet: PolicySet = { version: 0, texts: [], author: 'system', at: 0 }
const maxVersions = 500

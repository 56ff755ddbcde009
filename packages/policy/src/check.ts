import { validate } from '@cedar-policy/cedar-wasm/nodejs'
import { literals, misspelling } from './literals.ts'
import { maxPolicies } from './limits.ts'
import { cedarProblem, readPolicies, type Policy } from './policies.ts'
import { byPosition, type PolicyProblem, type PolicyText } from './problem.ts'
import { cedarSchema, type CedarSchema } from './schema.ts'
import { mergeVocabularies, type ProtocolVocabulary, type Vocabulary } from './vocabulary.ts'

/** Ids of the policies that are always there begin so. */
const builtInPrefix = 'sallyport.'

/** All that is wrong with `files`, in order of file and line. Policies with an `error` are never used. */
export function checkPolicies(
  files: readonly PolicyText[],
  vocabulary: readonly ProtocolVocabulary[],
): PolicyProblem[] {
  return examine(files, mergeVocabularies(vocabulary)).problems
}

/**
 * The same of what anybody may send: between two files, of which one takes up to half a second, it lets others go on.
 * @param breathe resolves when it is its turn again
 */
export async function checkPoliciesInTurns(
  files: readonly PolicyText[],
  vocabulary: readonly ProtocolVocabulary[],
  breathe: () => Promise<unknown>,
): Promise<PolicyProblem[]> {
  const examination = new Examination(mergeVocabularies(vocabulary))
  for (const file of files) {
    examination.add(file)
    await breathe()
  }
  return examination.whole().problems
}

/** Reads and checks files; the policies are fit for use where no problem is an error. */
export function examine(files: readonly PolicyText[], vocabulary: Vocabulary): Examined {
  const examination = new Examination(vocabulary)
  for (const file of files) examination.add(file)
  return examination.whole()
}

interface Examined {
  readonly policies: Policy[]
  readonly problems: PolicyProblem[]
}

class Examination {
  readonly #vocabulary: Vocabulary
  readonly #schema: CedarSchema
  readonly #policies: Policy[] = []
  readonly #problems: PolicyProblem[] = []

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary
    this.#schema = cedarSchema(vocabulary)
  }

  /** What comes after more policies than a set may have is not looked at. */
  add(file: PolicyText): void {
    if (this.#policies.length > maxPolicies) return
    const read = readPolicies(file)
    this.#policies.push(...read.policies)
    this.#problems.push(...read.problems)
    if (read.policies.length > 0) this.#problems.push(...typeProblems(file, this.#schema, this.#vocabulary))
  }

  whole(): Examined {
    const policies = this.#policies
    const problems = [...this.#problems, ...policies.flatMap(spellingProblems), ...idProblems(policies)]
    if (policies[maxPolicies])
      problems.push(problemOf(policies[maxPolicies], `there are more than ${maxPolicies} policies`))
    return { policies, problems: problems.sort(byPosition) }
  }
}

/** What Cedar's strict validator finds: unknown actions, facts, entity types, and wrong types. */
function typeProblems(file: PolicyText, schema: CedarSchema, vocabulary: Vocabulary): PolicyProblem[] {
  const answer = validate({ schema, policies: { staticPolicies: file.text } })
  if (answer.type === 'failure') return answer.errors.map((error) => cedarProblem(file, error))
  const wrong = new Set(answer.validationErrors.map(({ policyId }) => policyId))
  const doubts = answer.validationWarnings.filter(({ policyId }) => !wrong.has(policyId))
  const found = [...answer.validationErrors, ...doubts].map(({ error }) => cedarProblem(file, error))
  // Cedar repeats a mistake for each action that the policy covers: the first says enough.
  const byPlace = new Map<string, PolicyProblem>()
  for (const problem of found) {
    const place = `${problem.severity} ${problem.line}:${problem.column}`
    if (!byPlace.has(place)) byPlace.set(place, explainMissingFact(problem, vocabulary))
  }
  return [...byPlace.values()]
}

/** A fact that other actions have is no typing mistake: the policy covers actions that lack it. */
function explainMissingFact(problem: PolicyProblem, { actions }: Vocabulary): PolicyProblem {
  const [, fact = ''] = /^attribute `([^`]+)` in context for Action::"/.exec(problem.message) ?? []
  const isFact = [...actions.values()].some(({ facts }) => facts.has(fact))
  if (!isFact) return problem
  const [message] = problem.message.split('; ')
  return {
    ...problem,
    message: `${message}; name the actions that have it, or ask "context has ${fact}" first`,
  }
}

function spellingProblems(policy: Policy): PolicyProblem[] {
  return literals(policy.json).flatMap((literal) => {
    const message = misspelling(literal)
    return message === undefined ? [] : [problemOf(policy, message)]
  })
}

function idProblems(policies: readonly Policy[]): PolicyProblem[] {
  const firsts = new Map<string, Policy>()
  return policies.flatMap((policy) => {
    if (policy.id.startsWith(builtInPrefix))
      return [
        problemOf(policy, `an @id that begins with ${builtInPrefix} names a policy that is always there`),
      ]
    const first = firsts.get(policy.id)
    if (first) return [problemOf(policy, `@id "${policy.id}" is taken by ${first.file}:${first.line}`)]
    firsts.set(policy.id, policy)
    return []
  })
}

function problemOf({ file, line, column }: Policy, message: string): PolicyProblem {
  return { file, line, column, message, severity: 'error' }
}

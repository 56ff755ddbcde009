import {
  actorCalled,
  onOwnBehalf,
  principalId,
  type ConnectDecision,
  type Resource,
  type SignedIn,
  type Subject,
} from '@sallyport/core'
import { durationMs } from './annotations.ts'
import { didYouMean } from './closest.ts'
import type { DecisionPoint } from './decision-point.ts'
import { explain } from './explain.ts'
import { byPosition, type PolicyProblem, type PolicyText } from './problem.ts'
import { factsFor, NotAsked } from './stated-facts.ts'
import { readTestFile, type Person, type PolicyCase, type ReadTestFile, type Target } from './test-file.ts'

export interface PolicyTestResult {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly passed: boolean
  /** What was decided, in one sentence; where it failed, what was expected as well, each on its line. */
  readonly message: string
  readonly decision: ConnectDecision
}

export interface PolicyTestReport {
  readonly results: readonly PolicyTestResult[]
  /** Mistakes in the test files themselves. A file that has one counts as failed. */
  readonly problems: readonly PolicyProblem[]
  readonly passed: number
  readonly failed: number
}

/** Asks the decision point what each case asks, and compares. Facts that a case does not name are neutral: false, 0, '', none. */
export function runPolicyTests(point: DecisionPoint, files: readonly PolicyText[]): PolicyTestReport {
  const results: PolicyTestResult[] = []
  const problems: PolicyProblem[] = []
  for (const file of files) {
    const read = readTestFile(file)
    problems.push(...read.problems)
    for (const { line, test } of read.cases) {
      try {
        const atMs = test.at === undefined ? 0 : Date.parse(test.at)
        const decision = ask(test.at === undefined ? point : point.at(atMs), test, read, atMs)
        results.push({ file: file.name, line, name: test.name, decision, ...compare(test, decision) })
      } catch (error) {
        if (!(error instanceof NotAsked)) throw error
        problems.push({
          file: file.name,
          line,
          column: 1,
          message: `${test.name}: ${error.message}`,
          severity: 'error',
        })
      }
    }
  }
  const passed = results.filter((result) => result.passed).length
  const failed = results.length - passed + problems.length
  return { results, problems: problems.sort(byPosition), passed, failed }
}

function ask(
  point: DecisionPoint,
  test: PolicyCase,
  { people, resources }: ReadTestFile,
  atMs: number,
): ConnectDecision {
  const person = typeof test.who === 'string' ? named('person', test.who, people) : test.who
  const subject = subjectOf(person, atMs)
  const target = test.resource === undefined ? undefined : named('resource', test.resource, resources)
  const resource = target && resourceOf(test.resource ?? '', target)
  const { does } = test
  if (does === 'administer' || does === 'replay' || does === 'review')
    return point.may(subject, does, resource)
  if (!resource || !target) throw new NotAsked('name the resource')
  if (does === 'connect') return point.connect(subject, resource, test.account)
  if ('unmask' in does) return point.unmask(subject, resource, does.unmask)
  const vocabulary = point.vocabulary.find(({ name }) => name === target.protocol)
  if (!vocabulary) {
    const hint = didYouMean(
      target.protocol,
      point.vocabulary.map(({ name }) => name),
    )
    throw new NotAsked(`there is no protocol ${target.protocol}${hint}`)
  }
  const statements = Array.isArray(does) ? does : [does]
  return point.decide(
    subject,
    resource,
    test.account,
    statements.map((each) => factsFor(each, vocabulary)),
  )
}

function compare(test: PolicyCase, decision: ConnectDecision): { passed: boolean; message: string } {
  const missing: string[] = []
  if (decision.effect !== test.expect) missing.push(test.expect)
  if (test.reason !== undefined && !decision.reason?.includes(test.reason))
    missing.push(`a reason with "${test.reason}"`)
  const unnamed = (test.policies ?? []).filter((id) => !decision.policies.includes(id))
  if (unnamed.length > 0) missing.push(`it to be determined by ${unnamed.join(', ')}`)
  if (missing.length === 0) return { passed: true, message: explain(decision) }
  return { passed: false, message: `expected ${missing.join(' and ')}\ngot      ${explain(decision)}` }
}

function subjectOf({ user, workload, groups, actor, signedIn, from }: Person, atMs: number): Subject {
  const kind = user === undefined ? 'workload' : 'user'
  const name = user ?? workload ?? ''
  const subject = {
    ...onOwnBehalf({ kind, id: principalId(kind, name), name, groups }),
    ...(signedIn !== undefined && { signedIn: signInOf(signedIn, atMs) }),
    ...(from !== undefined && { source: from }),
  }
  return actor === undefined ? subject : { ...subject, actor: actorCalled(actor.kind, actor.id, actor.chain) }
}

function signInOf({ acr, amr, ago }: NonNullable<Person['signedIn']>, atMs: number): SignedIn {
  const agoMs = ago === undefined ? undefined : durationMs(ago, Number.POSITIVE_INFINITY)
  return { acr, amr, ...(agoMs !== undefined && { atMs: atMs - agoMs }) }
}

function resourceOf(name: string, { protocol, host, labels, tags, detectors }: Target): Resource {
  const columns = Object.entries(tags).map(([column, tag]) => ({ column, tag }))
  return {
    name,
    protocol,
    host,
    port: 0,
    agent: '',
    labels,
    accounts: [],
    masking: { mode: 'strict', columns, detectors, redactors: {} },
    recording: 'batched',
    options: {},
  }
}

function named<T>(what: string, name: string, declared: Readonly<Record<string, T>>): T {
  const found = Object.hasOwn(declared, name) ? declared[name] : undefined
  if (found === undefined)
    throw new NotAsked(`there is no ${what} ${name}${didYouMean(name, Object.keys(declared))}`)
  return found
}

import { readdirSync, readFileSync } from 'node:fs'
import {
  checkPolicies,
  compilePolicies,
  PolicyError,
  runPolicyTests,
  type PolicyProblem,
} from '@sallyport/policy'
import { postgresVocabulary } from '../../../packages/policy/src/testing/postgres-vocabulary.ts'
import { sshVocabulary } from '../../../packages/policy/src/testing/ssh-vocabulary.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: a file of policies, a line of `====`, a file of tests. */
export const target: Target = {
  name: 'policy',
  promise:
    'any policy or test file is used, or refused with the place of what is wrong; the policy engine outlives it',
  unit: 'inputs',
  units: { long: 50_000, short: 120 },
  guide: /packages\/policy\/src\//,
  maxBytes: 16 * 1024,
  slowMs: 2_000,
  open: () => Promise.resolve(subject),
}

const presets = new URL('../../../packages/policy/src/presets/', import.meta.url)
const separator = '\n====\n'

const subject: Subject = {
  seeds: readdirSync(presets)
    .filter((name) => name.endsWith('.cedar'))
    .map((name) => {
      const cases = readFileSync(new URL(name.replace(/cedar$/, 'cases.yaml'), presets), 'utf8')
      return Buffer.from(`${readFileSync(new URL(name, presets), 'utf8')}${separator}${cases}`)
    })
    .concat(
      [
        '',
        separator,
        `permit(principal, action, resource);${separator}cases: *a`,
        `${separator}x: &x [*x]\ncases: *x`,
      ].map((text) => Buffer.from(text)),
    ),
  words: [
    'permit (', 'forbid (', 'principal', 'action', 'resource', ' in ', ' == ', 'Group::"a"', 'Action::"read"', 'when { ', 'unless { ', ' }', ');', 'context.unfiltered', 'context has ',
    '@id("a")', '@review("dba")', '@request("dba")', '@duration("2h")', '@breakglass("dba")', '@hours("mon 08:00-18:00 UTC")', '@reason("b")', ' && ', ' || ', '!', '-', '[', ']', '(', ')', '.contains(', '.containsAny([', ' like "*"', ' is ', 'if true then false else true', '"\\u{0}"', '"', '//', '\n',
    '?principal', '9223372036854775807', 'ip("1.1.1.1")', 'decimal("1.0")', 'cases:\n', '  - { name: x, who: { user: a }, does: connect, expect: allow }\n', '&a ', '*a', '<<: ', 'people: ', 'resources: ',
  ].map((text) => Buffer.from(text)), // prettier-ignore
  run(input) {
    const [policies = '', cases = ''] = input.toString('utf8').split(separator)
    const files = [{ name: 'a.cedar', text: policies }]
    const vocabulary = [postgresVocabulary, sshVocabulary]
    const problems = checkPolicies(files, vocabulary)
    problems.forEach(checkProblem)
    const point = compiled(policies)
    const isWrong = problems.some(({ severity }) => severity === 'error')
    must(
      (point === undefined) === isWrong,
      () => `checked as ${isWrong ? 'wrong' : 'right'}, and compiled as the other`,
    )
    const report = runPolicyTests(point ?? compiled('')!, [{ name: 'a.cases.yaml', text: cases }])
    report.problems.forEach(checkProblem)
    // Whatever that was, a good policy still stands.
    must(
      compiled('@id("a") permit (principal, action, resource);') !== undefined,
      () => 'the policy engine did not survive',
    )
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function compiled(text: string): ReturnType<typeof compilePolicies> | undefined {
  try {
    return compilePolicies({
      policies: [{ name: 'a.cedar', text }],
      vocabulary: [postgresVocabulary, sshVocabulary],
      version: '1',
    })
  } catch (thrown) {
    if (thrown instanceof PolicyError) return undefined
    throw thrown
  }
}

function checkProblem({ line, column, message }: PolicyProblem): void {
  must(
    line >= 1 && column >= 1 && message !== '',
    () => `a problem without a place: ${line}:${column} ${message}`,
  )
}

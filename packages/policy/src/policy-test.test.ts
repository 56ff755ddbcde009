import { describe, expect, test } from 'vitest'
import { runPolicyTests } from './index.ts'
import { pointFor } from './testing/world.ts'

const point = pointFor(`
  @id("readers") permit (principal in Group::"developers", action == Action::"read", resource);
  @id("dba") @review("dba,leads") @reviewers("2") @within("90s") @reason("ask a dba")
  permit (principal in Group::"developers", action == Action::"ddl", resource);`)

const world = `people:
  dana: { user: dana, groups: [developers] }
resources:
  db: { protocol: postgres }
cases:
`

function run(cases: string): ReturnType<typeof runPolicyTests> {
  return runPolicyTests(point, [{ name: 'cases.yaml', text: world + cases }])
}

test('a case that holds says what was decided', () => {
  const report = run('  - { name: reads, who: dana, resource: db, does: { actions: [read] }, expect: allow }')
  expect(report).toMatchObject({ passed: 1, failed: 0, problems: [] })
  expect(report.results[0]).toMatchObject({
    file: 'cases.yaml',
    line: 6,
    name: 'reads',
    passed: true,
    message: 'allowed by readers',
  })
})

test('a case that does not shows what was expected above what came', () => {
  const report = run(`  - { name: reads, who: dana, resource: db, does: { actions: [read] }, expect: allow }

  - name: alters
    who: dana
    resource: db
    does: { actions: [ddl], objects: [shop/public/orders] }
    expect: deny
    reason: never
    policies: [dba, no-ddl]
`)
  expect(report).toMatchObject({ passed: 1, failed: 1 })
  expect(report.results[1]).toMatchObject({ line: 8, passed: false })
  expect(report.results[1]?.message).toBe(
    'expected deny and a reason with "never" and it to be determined by no-ddl\n' +
      'got      allowed by dba when approved 2 times by dba or leads within 90 s: ask a dba',
  )
})

test('a case may say when it is asked; without, every permit is within its hours', () => {
  const office = pointFor(`@id("office") @hours("mon-fri 08:00-18:00 Europe/Berlin")
    permit (principal in Group::"developers", action == Action::"connect", resource);`)
  const cases = (at: string, expect: string) =>
    `  - { name: x, who: dana, resource: db, ${at}does: connect, expect: ${expect} }\n`
  const text = [
    cases('', 'allow'),
    cases('at: "2026-01-05T09:00:00+01:00", ', 'allow'),
    cases('at: "2026-01-04T09:00:00+01:00", ', 'deny'),
  ].join('')
  const report = runPolicyTests(office, [{ name: 'cases.yaml', text: world + text }])
  expect(report).toMatchObject({ passed: 3, failed: 0, problems: [] })
})

test('every kind of question can be asked', () => {
  const report = run(`
  - { name: a, who: dana, resource: db, does: connect, expect: deny }
  - { name: b, who: dana, resource: db, does: { unmask: pii.email }, expect: deny }
  - { name: c, who: { user: root, groups: [administrators] }, does: administer, expect: allow }
  - { name: d, who: { user: root, groups: [administrators] }, resource: db, does: replay, expect: allow }
  - { name: e, who: { workload: ci, groups: [developers] }, resource: db, does: [{ actions: [read] }, { actions: [read], objects: [a/b%2Fc] }], expect: allow }
  - { name: f, who: { user: x, actor: { kind: agent, id: y } }, does: review, expect: deny }
`)
  expect(report.problems).toEqual([])
  expect(report).toMatchObject({ passed: 6, failed: 0 })
})

describe('mistakes in a test file are told with their line', () => {
  test.each([
    [
      'an unknown person',
      '{ name: x, who: danna, resource: db, does: connect, expect: deny }',
      'cases.yaml:6 x: there is no person danna; did you mean dana?',
    ],
    [
      'an unknown resource',
      '{ name: x, who: dana, resource: bd, does: connect, expect: deny }',
      'cases.yaml:6 x: there is no resource bd; did you mean db?',
    ],
    [
      'no resource',
      '{ name: x, who: dana, does: connect, expect: deny }',
      'cases.yaml:6 x: name the resource',
    ],
    [
      'an unknown action',
      '{ name: x, who: dana, resource: db, does: { actions: [raed] }, expect: deny }',
      'cases.yaml:6 x: postgres has no action raed; did you mean read?',
    ],
    [
      'an unknown fact',
      '{ name: x, who: dana, resource: db, does: { actions: [read], facts: { unfilterd: true } }, expect: deny }',
      'cases.yaml:6 x: postgres has no fact unfilterd; did you mean unfiltered?',
    ],
    [
      'a fact of the wrong type',
      '{ name: x, who: dana, resource: db, does: { actions: [read], facts: { kinds: select } }, expect: deny }',
      'cases.yaml:6 x: the fact kinds is of type strings',
    ],
    [
      'an unknown key',
      '\n      name: x\n      who: dana\n      does: connect\n      expects: deny\n      expect: deny',
      'cases.yaml:10 cases.0: Unrecognized key: "expects"',
    ],
    [
      'a wrong value',
      '\n      name: x\n      who: dana\n      does: connect\n      expect: perhaps',
      'cases.yaml:10 cases.0.expect: Invalid option: expected one of "allow"|"deny"|"review"|"request"|"step-up"',
    ],
    [
      'a deed that is none',
      '\n      name: x\n      who: dana\n      does: fly\n      expect: deny',
      'cases.yaml:9 cases.0.does: say connect, administer, replay, review, unmask: TAG, or actions with their objects and facts',
    ],
  ])('%s', (_, text, complaint) => {
    const report = run(`  - ${text}`)
    expect(report.problems.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
      complaint,
    ])
    expect(report).toMatchObject({ passed: 0, failed: 1 })
  })

  test.each([
    ['YAML that cannot be read', 'cases: [', 'x.yaml:1'],
    ['an empty file', '', 'x.yaml:1'],
    ['a file without cases', 'people: {}', 'x.yaml:1'],
    ['a list', '- a', 'x.yaml:1'],
    ['an alias without its anchor', 'cases: *nowhere', 'x.yaml:1'],
    ['an alias that unfolds without end', 'cases: &a [*a]', 'x.yaml:1'],
  ])('%s', (_, text, place) => {
    const { problems, failed } = runPolicyTests(point, [{ name: 'x.yaml', text }])
    expect(problems.map(({ file, line }) => `${file}:${line}`)).toContain(place)
    expect(failed).toBeGreaterThan(0)
  })
})

import { expect, test } from 'vitest'
import { checkPolicies, compilePolicies, presets, runPolicyTests } from './index.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'
import { sshVocabulary } from './testing/ssh-vocabulary.ts'

const vocabulary = [postgresVocabulary, sshVocabulary]

for (const { name, text, cases } of presets) {
  test(`preset ${name} has nothing to complain about`, () => {
    expect(checkPolicies([{ name, text }], vocabulary)).toEqual([])
  })

  test(`preset ${name} does what its cases say`, () => {
    const point = compilePolicies({ policies: [{ name, text }], vocabulary, version: '1' })
    const report = runPolicyTests(point, [{ name: `${name}.cases.yaml`, text: cases }])
    expect(report.problems).toEqual([])
    expect(report.results.filter(({ passed }) => !passed)).toEqual([])
    expect(report.passed).toBeGreaterThan(1)
  })
}

test('all presets can be used together', () => {
  expect(checkPolicies(presets, vocabulary)).toEqual([])
})

test('a preset refuses even what another policy permits to everyone', () => {
  const everything = '@id("all") permit (principal, action, resource);'
  const policies = [...presets, { name: 'all.cedar', text: everything }]
  const point = compilePolicies({ policies, vocabulary, version: '1' })
  const cases = `
resources: { db: { protocol: postgres }, web: { protocol: ssh } }
cases:
  - { name: no WHERE, who: { user: a }, resource: db, does: { actions: [delete], objects: [d/s/t], facts: { unfiltered: true } }, expect: deny, policies: [no-unfiltered-writes] }
  - { name: a program, who: { user: a }, resource: db, does: { actions: [copy_program] }, expect: deny, policies: [no-server-programs] }
  - { name: a file, who: { user: a }, resource: db, does: { actions: [read], facts: { functions: [pg_catalog.pg_read_file] } }, expect: deny, policies: [no-server-functions] }
  - { name: not parsed, who: { user: a }, resource: db, does: { actions: [unparsed] }, expect: deny, policies: [no-unparsed] }
  - { name: dynamic, who: { user: a }, resource: db, does: { actions: [call], facts: { dynamic: true } }, expect: deny, policies: [no-hidden-sql] }
  - { name: set role, who: { user: a }, resource: db, does: { actions: [session], facts: { settings: [role] } }, expect: deny, policies: [no-identity-change] }
  - { name: an agent's DDL, who: { user: a, actor: { kind: agent, id: x } }, resource: db, does: { actions: [ddl] }, expect: deny, policies: [agents-never-destroy] }
  - { name: an agent's command, who: { user: a, actor: { kind: agent, id: x } }, resource: web, does: { actions: [exec] }, expect: deny, policies: [agents-never-destroy] }
  - { name: a command not parsed, who: { user: a }, resource: web, does: { actions: [exec, unparsed] }, expect: deny, policies: [no-unparsed] }
  - { name: a disk, who: { user: a }, resource: web, does: { actions: [exec], facts: { programs: [mkfs] } }, expect: deny, policies: [no-formatting] }
  - { name: a key, who: { user: a }, resource: web, does: { actions: [download], facts: { extensions: [pem] } }, expect: deny, policies: [no-credential-files] }
  - { name: a file, who: { user: a }, resource: web, does: { actions: [download], objects: [files/srv/x] }, expect: allow, policies: [all] }
  - { name: the rest is permitted, who: { user: a }, resource: db, does: { actions: [delete], objects: [d/s/t] }, expect: allow, policies: [all] }
`
  const report = runPolicyTests(point, [{ name: 'all.yaml', text: cases }])
  expect(report.problems).toEqual([])
  expect(report.results.filter(({ passed }) => !passed)).toEqual([])
})

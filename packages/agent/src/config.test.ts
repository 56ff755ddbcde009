import { hostname } from 'node:os'
import { formatJoinToken, newJoinSecret } from '@sallyport/tunnel'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AgentConfigError, loadAgentConfig, parseAgentConfig, type AgentFlags } from './config.ts'

const joinToken = formatJoinToken({ secret: newJoinSecret(), authorityFingerprint: 'A'.repeat(43) }).reveal()

function parse(text: string, flags: AgentFlags = {}, environment: Record<string, string> = {}) {
  return parseAgentConfig({ name: 'agent.yaml', text, flags, environment })
}

function issuesOf(...given: Parameters<typeof parse>): readonly string[] {
  try {
    parse(...given)
  } catch (thrown) {
    if (thrown instanceof AgentConfigError) return thrown.issues
    throw thrown
  }
  return []
}

test('a whole configuration', () => {
  const config = parse(`
gateways: [gateway.example:8444, "[2001:db8::1]:8444", other.example]
token: ${joinToken}
name: db-host-1
stateDirectory: /var/lib/sallyport-agent
allow: ["*.orders.internal:5432", 10.4.0.0/16:22]
credentials:
  - { name: orders-app, resources: [orders-db], user: app_ro, password: env:ORDERS_PASSWORD }
drainMs: 1000
log: { level: debug }
`)
  expect(config).toMatchObject({
    gateways: ['gateway.example:8444', '[2001:db8::1]:8444', 'other.example:8444'],
    name: 'db-host-1',
    allow: [
      { kind: 'below', suffix: '.orders.internal', port: 5432 },
      { kind: 'range', port: 22 },
    ],
    credentials: [{ name: 'orders-app', password: { from: 'environment', variable: 'ORDERS_PASSWORD' } }],
    drainMs: 1_000,
    log: { level: 'debug' },
  })
  expect(config.token?.authorityFingerprint).toBe('A'.repeat(43))
})

test('a gateway is all that is needed', () => {
  const config = parse('gateways: gateway.example')
  expect(config).toMatchObject({ gateways: ['gateway.example:8444'], drainMs: 30_000, credentials: [] })
  expect(config.allow).toBeUndefined()
  expect(hostname()).toContain(config.name.split('.')[0])
})

test('flags win over the environment, which wins over the file', () => {
  const environment = {
    SALLYPORT_AGENT_NAME: 'from-environment',
    SALLYPORT_AGENT_LOG__LEVEL: 'error',
    SALLYPORT_AGENT_DRAIN_MS: '5',
  }
  const config = parse(
    'gateways: a\nname: from-file\nlog: { level: debug }',
    { gateways: ['b:1'] },
    environment,
  )
  expect(config).toMatchObject({
    gateways: ['b:1'],
    name: 'from-environment',
    drainMs: 5,
    log: { level: 'error' },
  })
})

test("a user's own token in the environment is not the agent's", () => {
  expect(parse('gateways: a', {}, { SALLYPORT_TOKEN: 'sp_something' }).token).toBeUndefined()
})

test.for([
  [
    '',
    'agent.yaml gateways: expected array, received undefined (or use --gateway, or set SALLYPORT_AGENT_GATEWAYS)',
  ],
  [
    'gateways: [a]\nallows: []',
    'agent.yaml:2:1 allows: unknown key; known are gateways, token, tokenFile, name, stateDirectory, allow, credentials, drainMs, log',
  ],
  [
    'gateways: [a]\n"a\\nb\\u2028": 1',
    'agent.yaml:2:1 a\ufffdb\ufffd: unknown key; known are gateways, token, tokenFile, name, stateDirectory, allow, credentials, drainMs, log',
  ],
  [
    'gateways: [a]\nallow:\n  - db.internal',
    'agent.yaml:3:5 allow.0: use host:port, *.domain:port, address:port or range/bits:port',
  ],
  ['gateways: ["a:99999"]', 'agent.yaml:1:12 gateways.0: a port is at most 65535'],
  ['gateways: [http://a]', 'agent.yaml:1:12 gateways.0: use host:port'],
  [
    'gateways: [a]\nname: a/b',
    'agent.yaml:2:1 name: use letters, digits, dots, dashes and underscores, at most 63',
  ],
  [
    'gateways: [a]\nlog:\n  level: loud',
    'agent.yaml:3:3 log.level: Invalid option: expected one of "debug"|"info"|"warn"|"error"',
  ],
  [
    'gateways: [a]\ncredentials:\n  - name: x\n    user: u\n    resources: [r]\n    password: hunter2',
    'agent.yaml:6:5 credentials.0.password: secrets stand elsewhere: use file:PATH or env:NAME',
  ],
  [
    'gateways: [a',
    'agent.yaml:1:13: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['- a', 'agent.yaml:1:1: write keys and values, one a line'],
  ['a: *b', 'agent.yaml:1:1: write keys and values, one a line'],
] as const)('%j is answered with its place', ([text, issue]) => {
  expect(issuesOf(text)).toEqual([issue])
})

test('what is wrong in a flag or a variable is said of it, without repeating a secret', () => {
  expect(issuesOf('gateways: a', { token: 'spj_hunter2' })).toEqual([
    '--token: this is not a whole join token: they look like spj_….…',
  ])
  expect(issuesOf('gateways: a', {}, { SALLYPORT_AGENT_DRAIN_MS: 'soon' })).toEqual([
    'SALLYPORT_AGENT_DRAIN_MS: expected number, received string',
  ])
  expect(issuesOf('gateways: a', { allow: ['nonsense'] })[0]).toMatch(/^--allow: use host:port/)
})

test('a file that is not there is said so', () => {
  expect(() => loadAgentConfig({ file: '/nowhere/agent.yaml', environment: {} })).toThrow(
    '/nowhere/agent.yaml: there is no such file',
  )
})

test('any text is a configuration or a list of what is wrong with it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.stringMatching(/^gateways: [\s\S]{0,60}$/)), (text) => {
      expect(Array.isArray(issuesOf(text))).toBe(true)
    }),
  )
})

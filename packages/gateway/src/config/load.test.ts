import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, loadConfig, parseConfig } from './load.ts'
import { printConfig } from './print.ts'

const protocols = [
  { name: 'mysql', listenPort: 13306 },
  { name: 'postgres', listenPort: 15432 },
]
const parse = (text: string, environment: Record<string, string> = {}) =>
  parseConfig({ name: 'gateway.yaml', text, environment, protocols })

function issuesOf(text: string, environment: Record<string, string> = {}): readonly string[] {
  try {
    parse(text, environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.issues
    throw error
  }
  return []
}

describe('a configuration', () => {
  test('may be empty: everything has a default', () => {
    const { config } = parse('')
    expect(config.listen).toEqual({
      api: { host: '0.0.0.0', port: 8443 },
      agents: { host: '0.0.0.0', port: 8444 },
      metrics: { host: '127.0.0.1', port: 9464 },
      mysql: { host: '0.0.0.0', port: 13306 },
      postgres: { host: '0.0.0.0', port: 15432 },
    })
    expect(config).toMatchObject({ publicHost: 'localhost', drainMs: 30_000, limits: { connections: 5000 } })
    expect(Object.isFrozen(config.listen)).toBe(true)
  })

  test.each([
    ['postgres: 5432', { host: '0.0.0.0', port: 5432 }],
    ['postgres: 127.0.0.1:5432', { host: '127.0.0.1', port: 5432 }],
    ['postgres: "[::1]:5432"', { host: '::1', port: 5432 }],
    ['postgres: 0', { host: '0.0.0.0', port: 0 }],
    ['postgres: "off"', 'off'],
  ])('reads the listener %s', (line, expected) => {
    expect(parse(`listen:\n  ${line}\n`).config.listen['postgres']).toEqual(expected)
  })

  test('takes the environment over the file', () => {
    const { config, sources } = parse('drainMs: 1000\nlisten:\n  api: 9000\n', {
      SALLYPORT_LISTEN__API: '127.0.0.1:9001',
      SALLYPORT_DATA_DIRECTORY: '/srv/sallyport',
      SALLYPORT_TLS__NAMES: '[a.example, b.example]',
      SALLYPORT_LIMITS__CONNECTIONS: '7',
      SALLYPORT_TOKEN: 'belongs to the command line',
    })
    expect(config.listen.api).toEqual({ host: '127.0.0.1', port: 9001 })
    expect(config).toMatchObject({
      dataDirectory: '/srv/sallyport',
      drainMs: 1000,
      tls: { names: ['a.example', 'b.example'] },
      limits: { connections: 7 },
    })
    expect(Object.fromEntries(sources)).toMatchObject({
      drainMs: 'gateway.yaml:1',
      'listen.api': 'SALLYPORT_LISTEN__API',
    })
  })

  test.each([
    [
      'listen:\n  api: 1\n  mysqll: 3306\n',
      'gateway.yaml:3:3 listen.mysqll: unknown key; did you mean mysql?',
    ],
    ['dataDir: /x\n', 'gateway.yaml:1:1 dataDir: unknown key'],
    ['!!binary Cg==: 1\n', 'gateway.yaml \ufffd: unknown key'],
    ['"a\\nb\\u2028\\e": 1\n', 'gateway.yaml:1:1 a\ufffdb\ufffd\ufffd: unknown key'],
    ['listen:\n  postgres: here\n', 'gateway.yaml:2:3 listen.postgres: use host:port or a port, or off'],
    ['listen:\n  api: "off"\n', 'gateway.yaml:2:3 listen.api: use host:port or a port'],
    ['publicHots: a\n', 'gateway.yaml:1:1 publicHots: unknown key; did you mean publicHost?'],
    ['listen:\n  api: here\n', 'gateway.yaml:2:3 listen.api: use host:port or a port'],
    ['listen:\n  api: 70000\n', 'gateway.yaml:2:3 listen.api: use host:port or a port'],
    ['listen:\n  api: [1]\n', 'gateway.yaml:2:3 listen.api: use host:port or a port'],
    ['listen: 8443\n', 'gateway.yaml:1:1 listen: expected object, received number'],
    ['\ndrainMs: soon\n', 'gateway.yaml:2:1 drainMs: expected number, received string'],
    ['drainMs: -1\n', 'gateway.yaml:1:1 drainMs: Too small: expected number to be >=0'],
    [
      'masterKey: hunter2\n',
      'gateway.yaml:1:1 masterKey: secrets stand elsewhere: use file:PATH or env:NAME',
    ],
    ['tls:\n  key: a.pem\n', 'gateway.yaml:1:1 tls: certificate and key go together'],
    [
      'log:\n  level: loud\n',
      'gateway.yaml:2:3 log.level: Invalid option: expected one of "debug"|"info"|"warn"|"error"',
    ],
    ['- a\n- b\n', 'gateway.yaml:1:1: write keys and values, one a line'],
    [
      'listen: [\n',
      'gateway.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['drainMs: 1\ndrainMs: 2\n', 'gateway.yaml:2:1: Map keys must be unique'],
  ])('%j says where, what, and how to mend it', (text, expected) => {
    expect(issuesOf(text)).toContain(expected)
  })

  test('names credential stores, with what it says of them printed and no secret in it', () => {
    const loaded = parse(`stores:
  vault: { kind: vault, address: https://vault.internal:8200, auth: { method: kubernetes, role: gateway } }
  aws: { kind: aws, region: eu-central-1 }
`)
    expect(loaded.config.stores).toMatchObject({
      vault: {
        auth: {
          mount: 'kubernetes',
          token: 'file:/var/run/secrets/kubernetes.io/serviceaccount/token',
        },
      },
      aws: { credentials: { from: 'environment' } },
    })
    expect(parse(printConfig(loaded)).config).toEqual(loaded.config)
  })

  test.each(['http://vault.internal:8200', 'https://vault.internal/v1', 'https://a@vault.internal'])(
    'names no credential store at %s',
    (address) => {
      const auth = '{ method: token, token: env:T }'
      expect(issuesOf(`stores:\n  vault: { kind: vault, address: '${address}', auth: ${auth} }\n`)).toEqual([
        expect.stringMatching(/^gateway\.yaml:2:\d+ stores\.vault\.address: /),
      ])
      const local = 'http://127.0.0.1:8100'
      expect(issuesOf(`stores:\n  vault: { kind: vault, address: '${local}', auth: ${auth} }\n`)).toEqual([])
    },
  )

  test('names the variable that is wrong', () => {
    expect(issuesOf('', { SALLYPORT_DRAIN_MS: 'soon', SALLYPORT_LISTEN__MYSQLL: '1' })).toEqual([
      'SALLYPORT_LISTEN__MYSQLL: unknown key; did you mean SALLYPORT_LISTEN__MYSQL?',
      'SALLYPORT_DRAIN_MS: expected number, received string',
    ])
  })

  test('says all that is wrong at once', () => {
    expect(issuesOf('drainMs: soon\nlisten:\n  api: here\nnope: 1\n')).toHaveLength(3)
  })

  test('says that there is no such file', () => {
    expect(() => loadConfig({ file: '/nowhere/gateway.yaml', environment: {}, protocols })).toThrow(
      '/nowhere/gateway.yaml: there is no such file',
    )
  })

  test('any text is a configuration or a ConfigError, never another error (`issuesOf` throws any other)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), yamlish), (text) => {
        expect(() => issuesOf(text)).not.toThrow()
      }),
      { numRuns: 500 },
    )
  })

  test('what is printed, read again, is the same configuration', () => {
    const loaded = parse(
      'drainMs: 5\nlisten:\n  api: "[::1]:9000"\ntls:\n  names: [a]\naudit: { syslog: { to: tls://logs.example } }\n',
    )
    const printed = printConfig(loaded)
    expect(printed).toContain('drainMs: 5 # gateway.yaml:1')
    expect(printed).toContain('  api: "[::1]:9000" # gateway.yaml:3')
    expect(printed).toContain('publicHost: localhost # default')
    expect(parse(printed).config).toEqual(loaded.config)
  })
})

const yamlish = fc
  .array(
    fc.constantFrom(
      'listen',
      'api',
      'tls',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      '{',
      '&a',
      '*a',
      '1',
      '"',
      '?',
      '!!x',
    ),
  )
  .map((parts) => parts.join(''))

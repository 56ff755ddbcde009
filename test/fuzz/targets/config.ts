import { readFileSync } from 'node:fs'
import { AgentConfigError, parseAgentConfig } from '../../../packages/agent/src/config.ts'
import { ConfigError, parseConfig } from '../../../packages/gateway/src/config/load.ts'
import { must, type Subject, type Target } from '../target.ts'

/** An input: a gateway's and an agent's configuration file. */
export const target: Target = {
  name: 'config',
  promise: 'any configuration file is read, or every mistake in it is named with its place',
  unit: 'inputs',
  units: { long: 100_000, short: 150 },
  guide: /packages\/(gateway\/src\/config|agent\/src)\//,
  maxBytes: 8 * 1024,
  slowMs: 1_000,
  open: () => Promise.resolve(subject),
}

const example = (name: string): Buffer =>
  readFileSync(new URL(`../../../deploy/examples/${name}`, import.meta.url))

const subject: Subject = {
  seeds: [
    example('gateway.yaml'),
    example('agent.yaml'),
    ...[
      '',
      '- 1',
      'a: &a [*a]',
      'x: *nowhere',
      'a: &a [b]\nc: [*a, *a]',
      '{',
      '"',
      '%YAML 1.2\n---\n',
      'listen: 5',
      'listen: {api: 0}',
    ].map((text) => Buffer.from(text)),
  ],
  words: [
    'dataDirectory: ', 'listen:\n', '  api: ', 'publicHost: ', 'masterKey: env:X', 'gateways: [', 'allow:\n  - ', 'stateDirectory: ',
    '&a ', '*a', '<<: *a', '!!binary ', '!!js/function ', '? ', '| \n', '__proto__: ', 'constructor: ', 'null', '~', '.inf', '1e999',
    '---\n', '...\n', '\t', '# ', '"\\u0000"', "'", '[', ']', '{', '}', ': ', '- ', '127.0.0.1:0',
  ].map((text) => Buffer.from(text)), // prettier-ignore
  run(input) {
    const text = input.toString('utf8')
    namesMistakes(() =>
      parseConfig({
        name: 'gateway.yaml',
        text,
        environment: {},
        protocols: [{ name: 'postgres', listenPort: 5432 }],
      }),
    )
    namesMistakes(() => parseAgentConfig({ name: 'agent.yaml', text, flags: {}, environment: {} }))
    must(!('polluted' in {}), () => 'a prototype was changed')
    return 1
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function namesMistakes(parse: () => unknown): void {
  try {
    parse()
  } catch (thrown) {
    if (!(thrown instanceof ConfigError) && !(thrown instanceof AgentConfigError)) throw thrown
    must(thrown.issues.length > 0, () => 'refused without a reason')
    for (const issue of thrown.issues)
      must(/^\S/.test(issue) && !issue.includes('\n'), () => `not one line: ${JSON.stringify(issue)}`)
  }
}

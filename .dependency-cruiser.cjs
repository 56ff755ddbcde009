/** The import directions of the house: see docs/architecture.md. */
const protocols = 'postgres|mysql|ssh|http|kubernetes|mcp'
const only = (name, allowed) => ({
  name: `${name}-imports-only-below`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
})
module.exports = {
  forbidden: [
    only('core', []),
    only('proto', []),
    only('openssh', ['core']),
    only('wire', ['core']),
    only('masking', ['core']),
    only('policy', ['core']),
    only('recording', ['core']),
    only('api', ['core']),
    only('tunnel', ['core', 'proto']),
    only('store', ['core']),
    only('identity', ['core', 'openssh', 'store']),
    only('access', ['core', 'openssh', 'policy', 'recording', 'store', 'identity']),
    only(`(${protocols})`, ['core', 'wire', 'masking', 'openssh']),
    only('agent', ['core', 'proto', 'tunnel']),
    only('cli', ['core', 'openssh', 'api', 'gateway', 'agent', 'policy', 'recording']),
    {
      name: 'protocols-do-not-meet',
      severity: 'error',
      from: { path: `^packages/(${protocols})/` },
      to: { path: `^packages/(${protocols})/`, pathNot: '^packages/$1/' },
    },
    {
      name: 'only-through-the-door',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/([^/]+)/src/(?!index\\.ts$|testing/)', pathNot: '^packages/$1/' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^packages/', pathNot: '\\.test\\.ts$|/testing/|^packages/[^/]+/test/' },
      to: { path: '/src/testing/|\\.test\\.ts$' },
    },
    {
      name: 'packages-never-import-tests',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^test/' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'tsc',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}

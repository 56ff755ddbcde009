import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'

/**
 * What the import directions (.dependency-cruiser.cjs) and the types cannot say. An exception stands here with its reason, and
 * goes when it is no longer needed: a test says so.
 */
const mayBeLong: Readonly<Record<string, string>> = {
  'packages/store/src/testing/contract.ts':
    'the one suite that every database passes, a paragraph for each repository',
  'packages/ssh/src/facts/programs.ts': 'one table: what each program runs besides itself',
  'test/fuzz/targets/planted/grammar.ts': 'one grammar, whose rules call each other',
}
const mayTouchTheWorld: Readonly<Record<string, string>> = {
  'packages/postgres/src/facts/engine.ts': "reads the grammar's WebAssembly once, before any statement",
}
const logsInToVault = 'a way to log in to Vault: by a service account of Kubernetes'
const knowsSshKeys = 'SSH keys and certificates are credentials, whatever protocol they are shown in'
const mayNameProtocols: Readonly<Record<string, string>> = {
  'packages/gateway/src/protocols.ts': 'the list of protocols',
  'packages/api/src/sessions.ts': 'an example in the API description',
  'packages/api/src/resources.ts': 'an example in the API description',
  'packages/api/src/gateway.ts': 'an example in the API description',
  'packages/api/src/keys.ts': knowsSshKeys,
  'packages/cli/src/commands/keys.ts': knowsSshKeys,
  'packages/cli/src/commands/login.ts': knowsSshKeys,
  'packages/cli/src/commands/logout.ts': knowsSshKeys,
  'packages/cli/src/commands/ssh-config.ts': 'what it writes is for one client',
  'packages/cli/src/key-signature.ts': knowsSshKeys,
  'packages/cli/src/program.ts': 'the name of that command',
  'packages/cli/src/ssh-identity.ts': knowsSshKeys,
  'packages/gateway/src/config/stores.ts': logsInToVault,
  'packages/gateway/src/start/credential-stores.ts': logsInToVault,
  'packages/gateway/src/start/gateway-keys.ts': knowsSshKeys,
  'packages/gateway/src/telemetry/events.ts': knowsSshKeys,
  'packages/identity/src/credentials/vault/settings.ts': logsInToVault,
  'packages/identity/src/credentials/vault/vault-login.ts': logsInToVault,
  'packages/policy/src/presets.ts': 'presets are named for what they speak of',
  'packages/ssh/src/facts/programs.ts': 'a program that a command may run: mysql',
}
/** SSH is a protocol, and a kind of key and certificate: these rooms know people and targets by them. */
const roomsOfSshKeys = /^packages\/(?:openssh|identity|store)\//

const root = join(import.meta.dirname, '..')
const generated = /\/src\/gen\//
const files = globSync(['packages/*/src/**/*.ts', 'packages/*/test/**/*.ts', 'test/**/*.ts'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})
  .filter((path) => !generated.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
const product = files.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path) && !isTest(path))

test('there are files to look at', () => {
  expect(product.length).toBeGreaterThan(100)
})

describe('rooms without a door to the world', () => {
  const pure = /^packages\/[^/]+\/src\/(?:codec\/|facts\/|mask\/|conversation\/)/
  const world =
    /^import (?!type ).*'(?:node:)?(?:net|tls|fs|fs\/promises|timers|timers\/promises|http|https|http2|dgram)'/m

  test('codecs, facts, masks and conversations import no sockets, files or timers', () => {
    const touching = pathsOf(product.filter(({ path, text }) => pure.test(path) && world.test(text)))
    expect(touching).toEqual(Object.keys(mayTouchTheWorld))
  })
})

describe('names', () => {
  test('a protocol is named outside its package only in the list of protocols', () => {
    const protocols = ['postgres', 'mysql', 'kubernetes', 'ssh', 'mcp']
    const naming = product.filter(({ path, text }) =>
      protocols.some(
        (name) =>
          !path.startsWith(`packages/${name}/`) &&
          !(name === 'ssh' && roomsOfSshKeys.test(path)) &&
          new RegExp(String.raw`\b${name}\b`, 'i').test(withoutComments(text)),
      ),
    )
    expect(pathsOf(naming).filter((path) => !(path in mayNameProtocols))).toEqual([])
    expect(
      Object.keys(mayNameProtocols).filter((path) => !naming.some((file) => file.path === path)),
    ).toEqual([])
  })

  test('no file is named for nothing', () => {
    const empty =
      /^(?:.*-)?(?:manager|helper|util|common|misc)s?(?:-.*)?$|^(?:data|info|base|handler|context|service)s?$/
    const named = files.filter(({ path }) => empty.test(basename(path).replace(/(?:\.test)?\.ts$/, '')))
    expect(pathsOf(named)).toEqual([])
  })
})

describe('proofs', () => {
  test('a permit is minted in one place', () => {
    expect(placesOf(/\bas Permit\b/g)).toEqual(['packages/core/src/permit.ts'])
  })

  test('facts are made in one place', () => {
    expect(placesOf(/\bas Facts\b/g)).toEqual(['packages/core/src/facts.ts'])
  })

  test('only `main` ends the process', () => {
    const ending = product.filter(({ text }) => /\bprocess\.exit\(/.test(withoutComments(text)))
    expect(pathsOf(ending).filter((path) => basename(path) !== 'main.ts')).toEqual([])
  })
})

test('no file is over 400 lines without a reason', () => {
  const long = pathsOf(files.filter(({ text }) => text.split('\n').length > 401))
  expect(long.toSorted()).toEqual(Object.keys(mayBeLong).toSorted())
})

function isTest(path: string): boolean {
  return /\.test\.ts$|\/testing\//.test(path)
}

function pathsOf(some: readonly { readonly path: string }[]): string[] {
  return some.map(({ path }) => path).toSorted()
}

/** One path for each occurrence outside this file. */
function placesOf(pattern: RegExp): string[] {
  return files
    .filter(({ path }) => path !== 'test/architecture.test.ts')
    .flatMap(({ path, text }) => [...withoutComments(text).matchAll(pattern)].map(() => path))
}

/** Good enough for ours: a `//` in a string hides the rest of its line. */
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '')
}

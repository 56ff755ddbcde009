import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { transferOfCommand } from './command.ts'

/** What real programs ask the other end to run: an ssh that only writes it down. */
let directory: string
const path = (name: string) => join(directory, name)

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-clients-'))
  writeFileSync(path('file'), 'content')
  writeFileSync(
    path('ssh'),
    [
      '#!/bin/sh',
      'while :; do case "$1" in -o|-l|-p) shift 2;; -*) shift;; *) break;; esac; done',
      'shift; [ "$1" = -- ] && shift',
      `printf '%s' "$*" >'${path('asked')}'; exit 1`,
    ].join('\n'),
    { mode: 0o755 },
  )
})
beforeEach(() => writeFileSync(path('asked'), ''))
afterAll(() => rmSync(directory, { recursive: true }))

/** The command that it sent. */
function asked(program: string, ...args: string[]): string {
  spawnSync(program, args, {
    cwd: directory,
    stdio: 'ignore',
    env: { ...process.env, GIT_SSH: path('ssh'), GIT_SSH_VARIANT: 'ssh', RSYNC_RSH: path('ssh') },
  })
  return readFileSync(path('asked'), 'utf8')
}

const understood = (command: string) => {
  const { protocol, actions, arguments: paths } = transferOfCommand(Buffer.from(command)) ?? {}
  return { protocol, actions, paths }
}

test.each([
  [['file', 'h:/srv/x'], 'scp-sink', ['upload'], ['/srv/x']],
  [['-rp', '.', 'h:x'], 'scp-sink', ['upload', 'make-directory', 'set-attributes'], ['x']],
  [['file', 'ssh', 'h:/srv'], 'scp-sink', ['upload'], ['/srv']],
  [['-v', 'h:/srv/x', '.'], 'scp-source', ['download'], ['/srv/x']],
] as const)('scp %j', (args, protocol, actions, paths) => {
  const command = asked('scp', '-O', '-S', path('ssh'), ...args)
  expect({ command, ...understood(command) }).toEqual({ command, protocol, actions, paths })
})

test.each([
  [['ls-remote', 'h:/srv/r.git'], ['download'], ['/srv/r.git']],
  [['ls-remote', 'ssh://h/~/r.git'], ['download'], ['~/r.git']],
  [['ls-remote', "h:it's"], ['download'], ["it's"]],
  [['archive', '--remote=h:r.git', 'HEAD'], ['download'], ['r.git']],
] as const)('git %j', (args, actions, paths) => {
  const command = asked('git', ...args)
  expect({ command, ...understood(command) }).toEqual({ command, protocol: 'git', actions, paths })
})

const hasRsync = spawnSync('rsync', ['--version'], { stdio: 'ignore' }).status === 0
const takes = ['upload', 'make-directory', 'link', 'set-attributes']

test.runIf(hasRsync).each([
  ['-a', takes],
  ['-avz --delete', [...takes, 'remove']],
  ['-aP --inplace --bwlimit=1000', takes],
  ['-aAXH --numeric-ids', takes],
  ['-rvz --checksum --size-only', ['upload', 'make-directory']],
  ['-a --link-dest=../prev --temp-dir=/t --timeout=10', takes],
  ['-a --backup --backup-dir=/bk --suffix=.o', [...takes, 'remove']],
  ['-a --mkpath --safe-links --ignore-existing', takes],
  ['-d', ['upload', 'make-directory']],
])('rsync %s', (options, actions) => {
  const sent = asked('rsync', ...options.split(' '), './', 'h:/srv/x')
  expect({ sent, ...understood(sent) }).toEqual({ sent, protocol: 'rsync', actions, paths: ['/srv/x'] })
  const got = asked('rsync', ...options.split(' '), 'h:/srv/a', 'h:b', '.')
  expect({ got, ...understood(got) }).toEqual({
    got,
    protocol: 'rsync',
    actions: ['download'],
    paths: ['/srv/a', 'b'],
  })
})

test.runIf(hasRsync)('rsync that sends its paths by its own protocol is a command, too', () => {
  expect(transferOfCommand(Buffer.from(asked('rsync', '-a', '-s', './', 'h:/srv/x')))).toBeUndefined()
})

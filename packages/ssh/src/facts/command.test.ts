import { expect, test } from 'vitest'
import { factsOfCommand } from './command.ts'

const facts = (text: string | Uint8Array) =>
  factsOfCommand({ bytes: Buffer.from(text), hasTerminal: false, environment: [] })
const context = (text: string | Uint8Array) => facts(text).context

test('a simple command is known word by word', () => {
  expect(facts('systemctl  restart nginx').actions).toEqual(['exec'])
  expect(context('systemctl  restart nginx')).toMatchObject({
    simple: true,
    command: 'systemctl restart nginx',
    argv: ['systemctl', 'restart', 'nginx'],
    programs: ['systemctl'],
    dynamic: false,
    syntax: [],
  })
})

test.each([
  'uptime;id',
  'uptime $(id)',
  'uptime`id`',
  'uptime|sh',
  'uptime&&id',
  'uptime>/etc/cron.d/x',
  'uptime #',
])('what is more than one literal command has no command line to match: %s', (text) => {
  expect(context(text)).toMatchObject({ simple: false, command: '', argv: [] })
})

test.each([
  ['uptime; id', ['id', 'uptime'], ['list']],
  ['uptime $(id `pwd`)', ['id', 'pwd', 'uptime'], ['substitution']],
  ['a | b || c &', ['a', 'b', 'c'], ['background', 'list', 'pipe']],
  ['if a; then b; else c; fi', ['a', 'b', 'c'], ['compound']],
  ['f() { rm x; }; f', ['f', 'rm'], ['compound', 'function', 'list']],
  ['cat <<E\n$(id)\nE', ['cat', 'id'], ['here-document', 'redirection', 'substitution']],
  ['X=$(a) b "${c:-$(d)}"', ['a', 'b', 'd'], ['assignment', 'expansion', 'substitution']],
])('all programs that %j runs are named', (text, programs, syntax) => {
  expect(context(text)).toMatchObject({ programs, syntax })
})

test.each([
  ['sudo -u bob env A=1 nice -n 5 timeout -k 5 10s rm -rf /srv', ['env', 'nice', 'rm', 'sudo', 'timeout']],
  ['sh -c \'a; bash -lc "b && c"\'', ['a', 'b', 'bash', 'c', 'sh']],
  ["ssh -p 22 host sudo 'id; who'", ['id', 'ssh', 'sudo', 'who']],
  ['find / -name x -exec rm {} \\; -execdir chmod 0 {} +', ['chmod', 'find', 'rm']],
  ['ls | xargs -n1 -I{} cp {} /tmp', ['cp', 'ls', 'xargs']],
  ['busybox wget x', ['busybox', 'wget']],
  ["su - bob -c 'id'", ['id', 'su']],
  ["trap 'rm x' EXIT; eval 'a b'", ['a', 'eval', 'rm', 'trap']],
  ['nohup setsid stdbuf -oL command exec ls', ['command', 'exec', 'ls', 'nohup', 'setsid', 'stdbuf']],
  ['/usr/bin/env -i /bin/rm x', ['env', 'rm']],
])('programs behind others are named: %s', (text, programs) => {
  expect(context(text)).toMatchObject({ programs, dynamic: false })
})

test.each([
  'bash',
  'sh -s',
  'base64 -d x | sh',
  'python3 -c x',
  'perl -e x',
  "awk '{system(1)}' x",
  '. ./x',
  'eval $x',
  '$X a',
  'sudo -i',
  'ssh host',
  "ssh -o 'ProxyCommand=x' host id",
  'xargs sh',
  'env -S x',
  'sudo --new-option x',
  'alias a=b',
  "sed 's/a/b/e'",
  'LD_PRELOAD=x ls',
  'env PATH=. ls',
  'vim x',
  'sh /dev/stdin <x',
  'echo rm >z; sh z',
  'printf rm >./z; sh -e z',
  "x='a[$(rm y)]'; echo $((x))",
  "read x <<'E'\na[$(rm y)]\nE\necho $((x))",
])('what its text does not show is said: %s', (text) => {
  expect(context(text)['dynamic']).toBe(true)
})

test.each([
  'python3 --version',
  'sed -n 5p x',
  "sed -n 's/a/b/p' x",
  'git status',
  'kubectl get pods',
  'test -e x',
])('what only reads is not dynamic: %s', (text) => {
  expect(context(text)['dynamic']).toBe(false)
})

test('each argument is named with its program', () => {
  const { uses } = context("sudo rm -rf --no-preserve-root / && sh -c 'dd of=/dev/sda'")
  for (const use of ['rm -r', 'rm -f', 'rm --no-preserve-root', 'rm /', 'dd of=', 'dd of=/dev/sda', 'sh -c'])
    expect(uses).toContain(use)
})

test('paths are known wherever they stand', () => {
  const text = 'cat /etc//ssl/../shadow ~/.ssh/id_rsa --key=/k/server.pem <in >>/var/log/x'
  expect(context(text)).toMatchObject({
    reads: ['~/in'],
    writes: ['/var/log/x'],
    extensions: ['pem'],
  })
  for (const path of ['/etc/shadow', '~/.ssh/id_rsa', '/k/server.pem', '~/in', '/var/log/x'])
    expect(context(text)['paths']).toContain(path)
  for (const around of ['/', '/etc', '~/.ssh', '/var/log']) expect(context(text)['within']).toContain(around)
  for (const name of ['shadow', '.ssh', 'server.pem']) expect(context(text)['names']).toContain(name)
})

test('after a change of the directory, nobody knows where a relative path is', () => {
  expect(context('cd /etc; cat shadow > ../x')).toMatchObject({ writes: ['?/x'] })
})

test('accounts and variables that it changes to are named', () => {
  expect(context('A=1 sudo -u bob B=2 id')).toMatchObject({ users: ['bob'], environment: ['A', 'B'] })
  expect(context('sudo id')).toMatchObject({ users: ['root'] })
})

test.each([
  ['bytes that are no UTF-8', Buffer.from('6563686f20fffe', 'hex')],
  ['a zero byte', 'echo a\0b'],
  ['a carriage return', 'echo a\r\nid'],
  ['an escape', 'echo \u001b[2J'],
  ['a control of the second kind', 'echo \u0085id'],
  ['nothing', '  '],
  ['a quote that never ends', "id; echo 'a"],
  ['half a statement', 'id\nif'],
  ['a text inside that is not understood', "sh -c 'if'"],
  ['a pattern that runs a program unless an option is set', 'echo a!(rm x)'],
  ['what is arithmetic to some shells', 'echo $((a); (b))'],
  ['a string that ends elsewhere in others', "echo $'\\'; id; '"],
  ['a length beyond the limit', `echo ${'a'.repeat(70_000)}`],
  ['more words than the limit', `echo${' a'.repeat(3_000)}`],
  ['more substitutions than the limit', 'echo $(a)'.repeat(300)],
  ['arithmetic without end', `echo $((1${'+1'.repeat(30_000)}))`],
  ['commands in commands beyond the limit', `${'sudo '.repeat(20)}id`],
])('%s is not understood', (_, text) => {
  expect(facts(text).actions).toEqual(['exec', 'unparsed'])
})

test('the text is there to be compared whole', () => {
  expect(context('cd /srv && ./deploy.sh')).toMatchObject({ text: 'cd /srv && ./deploy.sh', command: '' })
})

test('facts of a long command are not much longer than it', () => {
  for (const mark of [':', '=', ':/a', '/..', ',a.b'])
    expect(JSON.stringify(context(`echo x${mark.repeat(60_000 / mark.length)}`)).length).toBeLessThan(500_000)
})

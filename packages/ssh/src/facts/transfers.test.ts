import { expect, test } from 'vitest'
import { factsOfCommand, transferOfCommand } from './command.ts'

const facts = (text: string) =>
  factsOfCommand({ bytes: Buffer.from(text), hasTerminal: false, environment: [] })
const does = (text: string) =>
  Object.fromEntries(facts(text).objects.map(({ path, actions }) => [path.join('/'), actions]))

test.each([
  ['scp -t /etc', 'scp-sink', { 'files/etc': ['upload'] }],
  ['scp -v -r -p -d -t -- x', 'scp-sink', { 'home/x': ['make-directory', 'set-attributes', 'upload'] }],
  ['scp -f /etc/shadow', 'scp-source', { 'files/etc/shadow': ['download'] }],
  ["/usr/bin/scp -rf 'a b' ../c", 'scp-source', { 'home/a b': ['download'], 'elsewhere/c': ['download'] }],
  ['/usr/lib/openssh/sftp-server', 'sftp', { home: ['list'] }],
  ['/usr/libexec/sftp-server -e -l VERBOSE', 'sftp', { home: ['list'] }],
  ['internal-sftp', 'sftp', { home: ['list'] }],
  [
    'rsync --server -vlogDtpre.iLsfxCIvu --delete . /srv/x',
    'rsync',
    { 'files/srv/x': ['link', 'make-directory', 'remove', 'set-attributes', 'upload'], files: ['link'] },
  ],
  [
    'rsync --server --sender -vlogDtpre.iLsfxCIvu --timeout=5 --files-from /l . /etc/ b',
    'rsync',
    { 'files/etc': ['download'], 'home/b': ['download'], 'files/l': ['download'] },
  ],
  [
    'rsync --server --sender -re.LsfxC --remove-source-files . /a',
    'rsync',
    { 'files/a': ['download', 'remove'] },
  ],
  // A link that leads out of it would take along whatever is sent, or fetched, through it.
  ['rsync --server -le.LsfxC . /srv/x', 'rsync', { 'files/srv/x': ['link', 'upload'], files: ['link'] }],
  ['rsync --server -le.LsfxC --safe-links . /srv/x', 'rsync', { 'files/srv/x': ['link', 'upload'] }],
  ['rsync --server --sender -le.LsfxC . /srv/x', 'rsync', { 'files/srv/x': ['download'] }],
  // Relative to the destination, which may be the directory of the file that is named.
  [
    'rsync --server -e.LsfxC --partial-dir=../p . /srv/x/y',
    'rsync',
    { 'files/srv/x/y': ['upload'], 'files/srv/x/p': ['upload'], 'files/srv/p': ['upload'] },
  ],
  [
    'rsync --server -e.LsfxC --copy-dest=old . x/',
    'rsync',
    { 'home/x': ['upload'], 'home/x/old': ['download'] },
  ],
  ['rsync --server -e.LsfxC --temp-dir=/t . /a', 'rsync', { 'files/a': ['upload'], 'files/t': ['upload'] }],
  ["git-upload-pack '/srv/r.git'", 'git', { 'files/srv/r.git': ['download'] }],
  ["git upload-pack '~/r.git'", 'git', { 'home/r.git': ['download'] }],
])('%s is a transfer and no command', (text, protocol, objects) => {
  expect(transferOfCommand(Buffer.from(text))?.protocol).toBe(protocol)
  expect(does(text)).toEqual(objects)
  expect(facts(text).actions).not.toContain('exec')
  expect(facts(text).context).toMatchObject({ transfer: protocol.replace(/-.*/, ''), dynamic: false })
})

test.each([
  ['sudo scp -t /etc', ['upload']],
  ['scp -t a b', ['upload']],
  ['scp -f *.txt', ['download']],
  ['scp -tf /etc', ['download', 'upload']],
  ['scp -t -Z /etc', ['upload']],
  ['scp $X /etc', ['exec']],
  ['./scp -t /etc', ['upload']],
  ['/tmp/sftp-server', ['download', 'list', 'remove', 'rename', 'upload']],
  ['sftp-server -d /', ['download', 'list', 'upload']],
  ['/usr/lib/openssh/sftp-server; id', ['download', 'upload']],
  ['rsync --server -s . /etc', ['upload', 'remove']],
  ['rsync --server -logDtprKe.LsfxC . /srv/x', ['upload']],
  ['rsync --server --sender --daemon . /etc', ['download']],
  ['mkdir -p /x && rsync --server -e.L . /x', ['upload']],
  ["git-upload-pack --strict '/r'", ['download']],
  ["sh -c 'git-receive-pack /r'", ['upload']],
])('%s passes files, too, and is a command as well', (text, actions) => {
  expect(transferOfCommand(Buffer.from(text))).toBeUndefined()
  expect(facts(text).actions).toEqual(expect.arrayContaining(['exec', ...actions]))
})

test.each([
  ["git-receive-pack '/srv/www/r.git'", 'upload'],
  ["git upload-archive '/srv/www/r.git'", 'download'],
])('who may write files does not run the hooks among them: %s', (text, action) => {
  expect(transferOfCommand(Buffer.from(text))?.protocol).toBe('git')
  expect(facts(text).actions).toEqual([action, 'exec'].toSorted())
  expect(does(text)).toEqual({ 'files/srv/www/r.git': [action] })
  expect(facts(text).context).toMatchObject({ transfer: 'git', dynamic: true })
})

test('scp to other hosts is a command', () => {
  expect(facts('scp a bob@host:b').actions).toEqual(['exec'])
  expect(facts('rsync -a a b').actions).toEqual(['exec'])
  expect(facts('git status').actions).toEqual(['exec'])
})

test('what a transfer asks for is known exactly', () => {
  expect(transferOfCommand(Buffer.from('scp -r -p -d -t -- /srv/a/'))).toEqual({
    protocol: 'scp-sink',
    actions: ['upload', 'make-directory', 'set-attributes'],
    paths: [{ root: 'files', names: ['srv', 'a'] }],
    arguments: ['/srv/a/'],
    others: [],
    isRecursive: true,
    keepsTimes: true,
    mustBeDirectory: true,
    linksAnywhere: false,
    isCommand: false,
  })
})

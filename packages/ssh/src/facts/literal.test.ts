import { expect, test } from 'vitest'
import { commandLine, literalWords } from './literal.ts'

test.each([
  ['uptime', ['uptime']],
  ['  systemctl\trestart   nginx ', ['systemctl', 'restart', 'nginx']],
  ['echo \'a  b\' "c d" e\\ f', ['echo', 'a  b', 'c d', 'e f']],
  [`echo 'it'"'"'s'`, ['echo', "it's"]],
  ['touch \'\' ""', ['touch', '', '']],
  ["cat '/srv/größe/日本'", ['cat', '/srv/größe/日本']],
  ['dd of=/dev/null +%s a%b --x=1', ['dd', 'of=/dev/null', '+%s', 'a%b', '--x=1']],
  [String.raw`printf \$HOME\;\*`, undefined],
  [String.raw`echo \$HOME\;\*\"\'\\`, ['echo', '$HOME;*"\'\\']],
  ["grep '$HOME' '*'", ['grep', '$HOME', '*']],
])('%j is the words %j to every shell', (text, words) => {
  expect(literalWords(text)).toEqual(words)
})

test.each(
  [
    [
      'another command',
      ['uptime;id', 'uptime&&id', 'uptime|sh', 'uptime\nid', 'uptime &', '(uptime)', '{ uptime; }'],
    ],
    [
      'an expansion',
      ['uptime $(id)', 'uptime`id`', 'ls $HOME', 'ls "$HOME"', 'ls ~', 'ls a~', 'ls *', 'ls [a]', 'ls {}'],
    ],
    ['a redirection', ['uptime>/etc/cron.d/x', 'uptime</x', 'uptime 2>&1']],
    ['a comment', ['uptime #', 'uptime a#b']],
    [
      'what only some shells expand',
      ['ls =ls', 'kill %1', 'echo a!b', "echo '!x'", 'echo ^a^b', "echo 'a\\b'", '"a\\"b"'],
    ],
    ['a quote that never ends', ["echo 'a", 'echo "a', 'echo \\']],
    ['a line in quotes', ["echo 'a\nb'", 'echo "a\nb"', 'echo a\\\nb']],
    ['letters that some take for escapes', ['echo a\\n', 'echo \\x41']],
    ['spaces that are none to all', ['echo\u00a0a', "echo 'a\u00a0b'", 'echo\u2003a', 'echo \u200b']],
    [
      'what nobody sees',
      ["echo '\u202e'", "echo '\u0007'", "echo 'a\u200bb'", "echo '\ue000'", "echo '\ufeff'"],
    ],
    ['letters beyond ASCII without quotes', ['echo é']],
    [
      'a word of some shell',
      ['if', 'eval id', '. x', "'if' x", 'builtin id', 'foreach a', 'and id', 'time id', 'A=b', 'A=b id'],
    ],
    ['a program without a name', ["''", "'' a", '-x', '+x', '@ a', ': a', '%1', '']],
    [
      'an expression that some builtins evaluate',
      ["test -v 'a[$(id)]'", "printf -v 'a[`id`]' x", "'[' -v 'a[b]' ']'"],
    ],
  ].flatMap(([what, texts]) => (texts as string[]).map((text) => [what as string, text] as const)),
)('%s is not literal: %j', (_, text) => {
  expect(literalWords(text)).toBeUndefined()
})

test.each([
  [['uptime'], 'uptime'],
  [['rm', '\\', "constructor'\\x"], String.raw`rm \\ 'constructor'"'"\\'x'`],
  [['echo', 'a b', "it's", '', '$x', '=x', 'é'], `echo 'a b' 'it'"'"'s' '' '$x' '=x' 'é'`],
])('the words %j are one line, which reads back as them', (words, line) => {
  expect(commandLine(words)).toBe(line)
  expect(literalWords(line)).toEqual(words)
})

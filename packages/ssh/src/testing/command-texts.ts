/** A whole number from 0 up to, not including, `limit`. */
export type Below = (limit: number) => number

/**
 * A command as nobody would write it: from a grammar of shells, changed here and there. Only programs of no harm are named, and
 * no absolute path.
 */
export function commandText(below: Below): string {
  const from = <T>(all: readonly T[]): T => all[below(all.length)]!
  const word = (depth: number): string => {
    let text = ''
    for (let left = 1 + below(3); left > 0; left--)
      text += below(4) > 0 || depth > 3 ? from(pieces) : nested(depth + 1)
    return text
  }
  const nested = (depth: number): string =>
    from([
      () => `$(${list(depth)})`,
      () => `\`${list(depth)}\``,
      () => `"$(${list(depth)})"`,
      () => `\${X:-$(${list(depth)})}`,
      () => `<(${list(depth)})`,
      () => `$((1+$(${list(depth)})))`,
      () => `"a\`${list(depth)}\`"`,
    ])()
  const simple = (depth: number): string => {
    const parts = [below(6) === 0 ? `${from(assignments)} ` : '', from(programs)]
    for (let left = below(4); left > 0; left--) parts.push(from(spaces), word(depth))
    if (below(8) === 0) parts.push(from(redirections))
    return parts.join('')
  }
  const command = (depth: number): string => {
    if (depth > 4 || below(3) > 0) return simple(depth)
    return from([
      () => `(${list(depth + 1)})`,
      () => `{ ${list(depth + 1)}; }`,
      () => `if ${list(depth + 1)}; then ${list(depth + 1)}; else ${list(depth + 1)}; fi`,
      () => `for i in ${word(depth)} b; do ${list(depth + 1)}; done`,
      () =>
        `case ${word(depth)} in ${from(['a', '*', '(a|b'])}) ${list(depth + 1)};; *) ${list(depth + 1)} ${from([';;', ';&', ''])} esac`,
      () => `while ${simple(depth)} && false; do ${list(depth + 1)}; done`,
      () => `${from(['f()', 'function f', 'f ()'])} { ${list(depth + 1)}; }; f`,
      () => `! ${simple(depth)}`,
      () => `time ${simple(depth)}`,
      () => `coproc ${simple(depth)}`,
      () => `[[ ${word(depth)} == ${word(depth)} && ${simple(depth)} ]]`,
      () => `((${simple(depth)}))`,
      () => `eval ${quoted(list(depth + 1))}`,
      () => `${from(['sh', 'bash', 'dash'])} ${from(['-c', '-ec', '-e -c'])} ${quoted(list(depth + 1))}`,
      () => `${from(wrappers)} ${simple(depth)}`,
      () => `find . -exec ${simple(depth)} \\;`,
      () => `${simple(depth)} <<${from(['E', "'E'", '-E', '\\E'])}\n${word(depth)}\nE\n`,
      () => `trap ${quoted(simple(depth))} EXIT`,
      () => `alias p=${from(programs)}\np`,
    ])()
  }
  const list = (depth: number): string => {
    let text = command(depth)
    for (let left = below(3); left > 1; left--) text += from(connectors) + command(depth)
    return text
  }
  const quoted = (text: string): string =>
    below(2) === 0 ? `'${text.replaceAll("'", `'"'"'`)}'` : `"${text.replaceAll(/["\\$`]/g, '\\$&')}"`

  let text = below(3) === 0 ? simple(9) : list(0)
  for (let left = Math.max(0, below(6) - 3); left > 0; left--) {
    const at = below(text.length + 1)
    text = text.slice(0, at) + (below(3) > 0 ? from(marks) : '') + text.slice(at + below(2))
  }
  return text
}

const programs = [
  'p',
  'q',
  'r',
  'rm',
  'ls',
  'cat',
  'id',
  'uptime',
  "'p'",
  '"q"',
  'r\\m',
  'r""m',
  '$X',
  '[[',
  'p;q',
  'p\n',
  'sudo -u x rm',
  'sudo',
]
const wrappers = [
  ...'env,env -i A=1,nice,nice -n 5,nice -5,nohup,timeout 2,timeout -k 1 -s KILL 2,setsid -w,stdbuf -oL,xargs,xargs -n 1'.split(
    ',',
  ),
  ...'xargs -I{},command,command -v,exec,exec -a x,builtin,env -u A,env --,nice -- ,xargs -0 -r,sh,sh -s,env -S'.split(
    ',',
  ),
]
const assignments = [
  'A=1',
  "A='a b'",
  'PATH=$PATH',
  'A=$(q)',
  'A+=b',
  'A[0]=x',
  'X=p',
  "X='q y'",
  'IFS=x',
  'A=~',
  'A=`q`',
]
const redirections = [
  '>o',
  '>>o',
  '<o',
  '2>&1',
  '>&o',
  '&>o',
  '<>o',
  '>|o',
  '{f}>o',
  '2>o',
  '<<<a',
  '<<<$(q)',
  '<&-',
  '>$(q)',
  '>&2-',
]
const connectors = [';', '\n', '&&', '||', '|', '&', '|&', ' ; ', ';\n', '\\\n', '#x\n', ' # x\n', ';;']
const spaces = [' ', ' ', ' ', '  ', '\t', '\\\n', '\u00a0', '\u2003', '\r']
const pieces = [
  'a',
  'b',
  'x',
  '-a',
  '--b=c',
  'k=v',
  '1',
  '%',
  '%1',
  ':',
  '@',
  '+',
  ',',
  '.',
  '_',
  '-',
  '=',
  '=p',
  'é',
  '日',
  '\u00a0',
  "'a b'",
  '"a b"',
  "''",
  '""',
  "'$X'",
  '"$X"',
  '$X',
  '${X}',
  '${X:-a}',
  "${X:-'a'}",
  '${#X}',
  '${X#a}',
  '${X/a/b}',
  '${!X}',
  '$@',
  '$?',
  '$$',
  "'a\nb'",
  '"a\nb"',
  "'a\\'",
  '"a\\"b"',
  '"\\$X"',
  "'!'",
  '"!"',
  '!',
  '!!',
  '!x',
  '^a^b',
  '~',
  '~x',
  'a~',
  '*',
  '?',
  '[a]',
  '[!a]',
  '{a,b}',
  '{a..c}',
  '{}',
  '{',
  '}',
  "$'a'",
  "$'a\\'b'",
  '$"a"',
  '$',
  '\\$',
  '\\ ',
  '\\;',
  '\\a',
  '\\n',
  '\\\\',
  '\\"',
  "\\'",
  '\\*',
  '\\#',
  '#',
  'a#b',
  '#b',
  '$((1+1))',
  '$[1]',
  '@(a|b)',
  '!(a)',
  '+(a)',
  "'é'",
  '"日"',
  "'\u00a0'",
  '"%"',
  "'=p'",
  '"{a,b}"',
  "'~'",
  "'*'",
  "'#'",
  "'&'",
  '"|"',
  "';'",
  '"("',
  "'`'",
  "'a'\"'\"'b'",
]
const marks = [
  "'",
  '"',
  '\\',
  '`',
  '$',
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '<',
  '>',
  '|',
  '&',
  ';',
  '\n',
  ' ',
  '\t',
  '#',
  '!',
  '~',
  '*',
  '?',
  '=',
  '%',
  '^',
  '-',
  '+',
  '@',
  ':',
  ',',
  '\r',
  '\0',
  '\u0007',
  '\u00a0',
  '\u2028',
  '\u200b',
  '\ufeff',
  'é',
  'p',
  ' q ',
  ';r;',
  '\\\n',
  '$(',
  '`',
  '<<E\n',
  "$'",
  '$"',
  '${',
  '$((',
  '))',
  '&&',
  '||',
  '|&',
  '&>',
  '<(',
  ';;',
  ' do ',
  ' done',
  ' then ',
  ' fi',
  ' esac',
  ' in ',
  ' if ',
  ' while ',
  ' case ',
  'function ',
  ' coproc ',
  ' time ',
  ' ! ',
  ' [[ ',
  ' ]] ',
  ' { ',
  ' }',
  '()',
  'f(){ ',
  ' p',
  "'p'",
]

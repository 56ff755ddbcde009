import { expect, test } from 'vitest'
import { checkPolicies, type PolicyText } from './index.ts'
import { postgresVocabulary } from './testing/postgres-vocabulary.ts'

function complaints(...texts: string[]): string[] {
  const files: PolicyText[] = texts.map((text, i) => ({ name: `${i}.cedar`, text }))
  return checkPolicies(files, [postgresVocabulary]).map(
    ({ file, line, column, severity, message }) => `${file}:${line}:${column} ${severity}: ${message}`,
  )
}

const noGroup = (name: string): string =>
  `@${name} needs the group that answers. Any of several: @${name}("dba,security"); all of them: @${name}("dba & security")`

test('good policies bring no complaint', () => {
  expect(complaints('@id("a") permit (principal, action, resource);', '// nothing but a comment\n')).toEqual(
    [],
  )
})

test.each([
  [
    'an unknown action, with the one that was meant',
    '@id("a")\npermit (principal, action == Action::"reads", resource);',
    '0.cedar:2:30 error: unrecognized action `Action::"reads"`; did you mean `Action::"read"`?',
  ],
  [
    'an unknown type',
    '@id("a") permit (principal in Grup::"x", action, resource);',
    '0.cedar:1:31 error: unrecognized entity type `Grup`; did you mean `Group`?',
  ],
  [
    'an unknown fact',
    '// Zoë\n@id("a") forbid (principal, action == Action::"update", resource) when { context.unfilterd };',
    '0.cedar:2:74 error: attribute `unfilterd` in context for Action::"update" not found; did you mean `unfiltered`?',
  ],
  [
    'a syntax error',
    'permit (principal action, resource);',
    '0.cedar:1:19 error: unexpected token `action`; expected `!=`, `)`, `,`, `:`, `<`, `<=`, `==`, `>`, `>=`, `in`, or `is`',
  ],
  [
    'a label without a value, which would never match',
    '@id("a") forbid (principal, action, resource in Label::"prod");',
    '0.cedar:1:1 error: Label::"prod" has no value; a label is written Label::"env=prod"',
  ],
  [
    'an object without a resource',
    '@id("a") permit (principal, action, resource) when { resource in Object::"orders" };',
    '0.cedar:1:1 error: Object::"orders" is no path; an object is written Object::"orders-db/shop/public/orders", a resource Resource::"orders-db"',
  ],
  [
    'an object written as a resource',
    '@id("a") permit (principal, action, resource in Resource::"db/shop");',
    '0.cedar:1:1 error: Resource::"db/shop" names an object; write Object::"db/shop"',
  ],
  [
    'a stray percent sign',
    '@id("a") permit (principal, action, resource in Object::"db/100%");',
    '0.cedar:1:1 error: Object::"db/100%": a % in a name is written %25, a slash %2F',
  ],
  [
    'a person with their kind twice',
    '@id("a") permit (principal == User::"user:ann", action, resource);',
    '0.cedar:1:1 error: User::"user:ann" has its kind twice; write User::"ann"',
  ],
  [
    'a template',
    '@id("a") permit (principal == ?principal, action, resource);',
    '0.cedar:1:1 error: a template cannot be used here: name the principal and resource',
  ],
  [
    'a policy without a name',
    '\n  permit (principal, action, resource);',
    '0.cedar:2:3 warning: give it an @id: decisions and recordings name policies by it',
  ],
  [
    'a name of the gateway',
    '@id("sallyport.mine") permit (principal, action, resource);',
    '0.cedar:1:1 error: an @id that begins with sallyport. names a policy that is always there',
  ],
  [
    'a policy that can never apply',
    '@id("a") permit (principal, action == Action::"unmask", resource in Resource::"x");',
    '0.cedar:1:1 warning: unable to find an applicable action given the policy scope constraints',
  ],
])('it finds %s', (_, text, complaint) => {
  expect(complaints(text)).toEqual([complaint])
})

test.each([
  ['@reveiw("dba")', 'unknown annotation @reveiw; did you mean @review?'],
  ['@review', noGroup('review')],
  ['@review("dba,")', noGroup('review')],
  ['@review("dba & ")', noGroup('review')],
  ['@review("dba && security")', noGroup('review')],
  [
    '@review("dba and security")',
    '@review takes a comma where any of the groups may answer, and & where all of them must: @review("dba & security")',
  ],
  ['@review("0 dba & security")', '@review asks for 1 to 10 approvals in all: @review("2 dba & security")'],
  ['@review("8 dba & 3 security")', '@review asks for 1 to 10 approvals in all: @review("2 dba & security")'],
  [
    '@review("dba & security") @reviewers("2")',
    '@reviewers says nothing where @review counts: write the number before its groups, @review("2 dba & security")',
  ],
  [
    '@review("2 dba") @reviewers("2")',
    '@reviewers says nothing where @review counts: write the number before its groups, @review("2 dba & security")',
  ],
  ['@review("dba") @reviewers("0")', '@reviewers needs a number from 1 to 10: @reviewers("2")'],
  ['@review("dba") @reviewers("two")', '@reviewers needs a number from 1 to 10: @reviewers("2")'],
  [
    '@review("dba") @within("15 min")',
    '@within needs a number and s, m or h, from 1s to 24h: @within("15m")',
  ],
  ['@review("dba") @within("0s")', '@within needs a number and s, m or h, from 1s to 24h: @within("15m")'],
  ['@review("dba") @within("25h")', '@within needs a number and s, m or h, from 1s to 24h: @within("15m")'],
  ['@within("15m")', '@within says nothing without @review or @request'],
  ['@reviewers("2")', '@reviewers says nothing without @review or @request'],
  ['@reason("")', '@reason needs one line of text, at most 300 characters'],
  ['@reason("two\\nlines")', '@reason needs one line of text, at most 300 characters'],
])('it finds what is wrong with %s', (annotations, complaint) => {
  const found = complaints(`@id("a")\n${annotations}\npermit (principal, action, resource);`)
  const column = 1 + Math.max(0, annotations.lastIndexOf(/@\w+/.exec(complaint)?.[0] ?? ''))
  expect(found).toEqual([`0.cedar:2:${column} error: ${complaint}`])
})

test('an @id that decisions use for themselves, or that cannot be shown, is refused', () => {
  for (const id of ['masked-column', 'outside-hours', 'too complex', '', 'a\\nb', 'x:1'])
    expect(complaints(`@id("${id}") permit (principal, action, resource);`)).toEqual([
      expect.stringContaining('0.cedar:1:1 error: @id needs a name'),
    ])
})

test.each([
  ['@request("")', noGroup('request')],
  ['@request("dba") @within("169h")', '@within needs a number and s, m or h, from 1s to 168h: @within("8h")'],
  [
    '@request("dba") @duration("1d")',
    '@duration needs a number and s, m or h, from 1s to 168h: @duration("4h")',
  ],
  [
    '@request("dba") @duration("169h")',
    '@duration needs a number and s, m or h, from 1s to 168h: @duration("4h")',
  ],
  ['@request("dba") @reviewers("11")', '@reviewers needs a number from 1 to 10: @reviewers("2")'],
  [
    '@request("dba") @breakglass("a,,b")',
    '@breakglass needs the group that may let itself in, or several: @breakglass("oncall")',
  ],
  ['@request("dba") @review("dba")', '@review holds operations, @request lets in: a permit has one of them'],
  [
    '@hours("mon-fri 08:00-18:00")',
    '@hours needs days, times and a time zone: @hours("mon-fri 08:00-18:00 Europe/Berlin")',
  ],
  ['@hours', '@hours needs days, times and a time zone: @hours("mon-fri 08:00-18:00 Europe/Berlin")'],
  ['@duration("4h")', '@duration says nothing without @request'],
  ['@review("dba") @breakglass("oncall")', '@breakglass says nothing without @request'],
])('it finds what is wrong with %s on a permit to connect', (annotations, complaint) => {
  const found = complaints(
    `@id("a")\n${annotations}\npermit (principal, action == Action::"connect", resource);`,
  )
  const column = 1 + annotations.indexOf(/@\w+/.exec(complaint)?.[0] ?? '')
  expect(found).toEqual([`0.cedar:2:${column} error: ${complaint}`])
})

test('a request is for a permit to connect, and nothing else', () => {
  const wrong =
    '0.cedar:1:10 error: @request belongs on a permit for action == Action::"connect", and no other action'
  for (const action of [
    'action',
    'action == Action::"read"',
    'action in Action::"read"',
    'action in [Action::"connect", Action::"read"]',
  ])
    expect(complaints(`@id("a") @request("dba") permit (principal, ${action}, resource);`)).toEqual([wrong])
  for (const action of ['action == Action::"connect"', 'action in [Action::"connect"]'])
    expect(complaints(`@id("a") @request("dba") permit (principal, ${action}, resource);`)).toEqual([])
  expect(
    complaints('@id("a") @request("dba") forbid (principal, action == Action::"connect", resource);'),
  ).toEqual(['0.cedar:1:10 error: @request belongs on a permit: a forbid refuses whatever was granted'])
})

test('hours on a forbid are refused', () => {
  expect(
    complaints('@id("a") @hours("sat,sun 00:00-24:00 UTC") forbid (principal, action, resource);'),
  ).toEqual(['0.cedar:1:10 error: @hours belongs on a permit: what is forbidden is so at any hour'])
})

test('a review on a forbid is refused', () => {
  expect(complaints('@id("a") @review("dba") forbid (principal, action, resource);')).toEqual([
    '0.cedar:1:10 error: @review belongs on a permit: a forbid refuses whatever reviewers say',
  ])
})

test('an @id that is taken is found across files', () => {
  const policy = '@id("a") permit (principal, action, resource);'
  expect(complaints(`\n${policy}`, policy)).toEqual(['1.cedar:1:1 error: @id "a" is taken by 0.cedar:2'])
})

test('a fact that only some of the covered actions have is explained', () => {
  expect(complaints('@id("a") forbid (principal, action, resource) when { context.unfiltered };')).toEqual([
    expect.stringMatching(
      /^0\.cedar:1:54 error: attribute `unfiltered` in context for Action::"\w+" not found; name the actions that have it, or ask "context has unfiltered" first$/,
    ),
  ])
  expect(
    complaints(
      '@id("a") forbid (principal, action, resource) when { context has unfiltered && context.unfiltered };',
    ),
  ).toEqual([])
})

test('each of many policies keeps its line, whatever comments and strings say', () => {
  const policies = Array.from(
    { length: 12 },
    (_, i) =>
      `// permit (principal, action, resource) when { "${i}" == "x" };\n@id("p${i}") permit (principal, action, // é "\n resource) when { "// ${i}" == "//" };`,
  )
  policies[10] = policies[10]?.replace('@id("p10")', '@id("p10") @nope') ?? ''
  policies[2] = policies[2]?.replace('@id("p2")', '@id("p2") @nope') ?? ''
  const lines = complaints(policies.join('\n')).filter((line) => line.includes('@nope'))
  expect(lines).toEqual([
    '0.cedar:8:11 error: unknown annotation @nope',
    '0.cedar:32:12 error: unknown annotation @nope',
  ])
})

test('what would break the parser for good is refused before it', () => {
  const nested = `permit (principal, action, resource) when { ${'('.repeat(100_000)} };`
  const chained = `permit (principal, action, resource) when { true${' && true'.repeat(100_000)} };`
  expect(complaints(nested)).toEqual(['0.cedar:1:60 error: brackets nest deeper than 16'])
  expect(complaints(chained)).toEqual([expect.stringContaining('a policy file has at most 256 KiB')])
  expect(complaints(chained.slice(0, 5000))).toEqual([expect.stringContaining('has at most 128 operators')])
  expect(complaints('@id("a") permit (principal, action, resource);')).toEqual([])
})

test('what the limits let through does not break the parser', () => {
  const deep = (open: string, core: string, close: string): string =>
    `${open.repeat(14)}${core}${close.repeat(14)}`
  const long = [' && true', ' || true', ' + 1', '.a', ' == 1', '.contains(1)'].map((part) => part.repeat(90))
  for (const tail of long)
    for (const core of [`true${tail}`, `[1]${tail}`, `context${tail}`])
      for (const condition of [core, deep('(', core, ')'), deep('[', core, ']'), deep('!(', core, ')')])
        complaints(`@id("a") permit (principal, action, resource) when { ${condition} };`)
  expect(complaints('@id("a") permit (principal, action, resource);')).toEqual([])
})

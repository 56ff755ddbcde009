/** What of a type's values can be shown masked; everything else becomes NULL. */
export type Forms = 'text' | 'markup' | 'number' | 'bytes' | 'constant' | 'none'

export interface TestedType {
  /** The column's. */
  readonly name: string
  readonly sql: string
  /** As which its values can be read again: the type below a domain. */
  readonly base: string
  readonly forms: Forms
  /** Two values, as SQL. */
  readonly secrets: readonly [string, string]
  /** A constant for the redactor `fixed`. */
  readonly constant: string
}

const letters = 'Zqxwvjk'
const digits = ['7351904826', '8146203597'] as const

/** Letters that are in every secret of letters, and nowhere else. */
export const mark = letters

function typed(
  name: string,
  sql: string,
  forms: Forms,
  secrets: readonly [string, string],
  rest: { readonly base?: string; readonly constant?: string } = {},
): TestedType {
  return { name, sql, base: rest.base ?? sql, forms, secrets, constant: rest.constant ?? '7' }
}

const both = (make: (digits: string) => string): [string, string] => [make(digits[0]), make(digits[1])]
const words = both((it) => `'${letters}${it}@mail.example.org'`)
const array = ([one, other]: readonly [string, string], sql: string): [string, string] => [
  `array[${one}, null, ${one}, ${other}]::${sql}`,
  `array[${other}]::${sql}`,
]
const ints = ['1735190482', '1146203597'] as const
const longs = both((it) => `${it}173519048`)
const numbers = both((it) => `-${it}1735190482.2500`)
const uuids = both((it) =>
  `'${it}-abcd-4ef8-bb6d-${it}ab'`.replace(/^'(.{8})(..)/, "'$1").replace(/-(.{10})(..)'$/, "-$1$2'"),
)
const dates = ["'7351-09-04'", "'8146-03-20'"] as const
const times = ["'7351-09-04 12:34:56.789012'", "'8146-03-20 11:22:33.445566'"] as const
const documents = both((it) => `'{"k": "${letters}", "n": ${it}}'`)
const bytes = both((it) => `'\\x${Buffer.from(letters + it).toString('hex')}'`)
const people = both((it) => `row('${letters}', ${it})::r.person`)

export const testedTypes: readonly TestedType[] = [
  typed('text', 'text', 'text', words),
  typed('varchar', 'varchar(40)', 'text', words),
  typed('short', 'varchar(6)', 'text', ["'Zq7351'", "'Zq8146'"]),
  typed('bpchar', 'char(40)', 'text', words),
  typed('name', 'name', 'text', words),
  typed('code', 'r.code', 'text', words, { base: 'text' }),
  typed('code6', 'r.code6', 'text', ["'Zq7351'", "'Zq8146'"], { base: 'varchar(6)' }),
  typed('citext', 'r.citext', 'text', words),
  typed(
    'xml',
    'xml',
    'markup',
    both((it) => `'<a>${letters}${it}</a>'`),
  ),
  typed('int2', 'int2', 'number', ['31973', '-20481']),
  typed('int4', 'int4', 'number', ints),
  typed('int8', 'int8', 'number', longs),
  typed('key', 'r.key', 'number', ints, { base: 'int4' }),
  typed('numeric', 'numeric', 'number', numbers),
  typed('bounded', 'numeric(30, 4)', 'number', numbers),
  typed('price', 'numeric(6, 2)', 'number', ['7351.90', '-8146.20']),
  typed('fraction', 'numeric(3, 3)', 'number', ['0.735', '0.814'], { constant: '0.007' }),
  typed('rounded', 'numeric(4, -2)', 'number', ['735100', '814600'], { constant: '700' }),
  typed('uuid', 'uuid', 'bytes', uuids, { constant: '00000000-0000-0000-0000-000000000000' }),
  typed('bytea', 'bytea', 'bytes', bytes),
  typed('float4', 'float4', 'constant', ['7351904', '8146203']),
  typed(
    'float8',
    'float8',
    'constant',
    both((it) => `${it}.5`),
  ),
  typed('bool', 'bool', 'constant', ['true', 'false'], { constant: 'false' }),
  typed('json', 'json', 'constant', documents),
  typed('jsonb', 'jsonb', 'constant', documents, { constant: '{"hidden": true}' }),
  typed('date', 'date', 'constant', dates, { constant: '1970-01-01' }),
  typed('timestamp', 'timestamp', 'constant', times, { constant: '1970-01-01 00:00' }),
  typed('timestamptz', 'timestamptz', 'constant', times, { constant: '1970-01-01' }),
  typed('time', 'time', 'none', ["'12:34:56.789012'", "'11:22:33.445566'"]),
  typed('interval', 'interval', 'none', ["'7351904 hours'", "'8146203 hours'"]),
  typed(
    'money',
    'money',
    'none',
    both((it) => `'${it}.25'::numeric::money`),
  ),
  typed('oid', 'oid', 'none', [...ints]),
  typed('inet', 'inet', 'none', ["'173.51.90.48'", "'2001:db8::7351:9048'"]),
  typed('cidr', 'cidr', 'none', ["'173.51.0.0/16'", "'114.62.0.0/16'"]),
  typed('macaddr', 'macaddr', 'none', ["'73:51:90:48:26:ab'", "'81:46:20:35:97:ab'"]),
  typed('bits', 'varbit', 'none', ["'1011101010111'", "'1110001110001'"]),
  typed('point', 'point', 'none', ["'(7351904,8146203)'", "'(8146203,7351904)'"]),
  typed(
    'vector',
    'tsvector',
    'none',
    both((it) => `'${letters} ${it}'`),
  ),
  typed('char', '"char"', 'none', ["'Z'", "'Q'"]),
  typed('tone', 'r.tone', 'none', [`'${letters}1'`, `'${letters}2'`]),
  typed('person', 'r.person', 'none', people),
  typed('range4', 'int4range', 'none', ['int4range(1735190, 1735190482)', 'int4range(1146203, 1146203597)']),
  typed(
    'rangen',
    'numrange',
    'none',
    both((it) => `numrange(${it}, null)`),
  ),
  typed('ranged', 'daterange', 'none', ["daterange('7351-09-04', null)", "daterange('8146-03-20', null)"]),
  typed(
    'multirange',
    'int8multirange',
    'none',
    both((it) => `int8multirange(int8range(${it}, null))`),
  ),
  typed('texts', 'text[]', 'text', array(words, 'text[]')),
  typed('shorts', 'varchar(6)[]', 'text', array(["'Zq7351'", "'Zq8146'"], 'varchar(6)[]')),
  typed('names', 'name[]', 'text', array(words, 'name[]')),
  typed('ints', 'int4[]', 'number', array(ints, 'int4[]')),
  typed('longs', 'int8[]', 'number', array(longs, 'int8[]')),
  typed('prices', 'numeric(6, 2)[]', 'number', array(['7351.90', '-8146.20'], 'numeric(6, 2)[]')),
  typed('grid', 'int2[]', 'number', ["'[0:1][2:3]={{31973,2},{3,4}}'", "'{{20481}}'"]),
  typed('uuids', 'uuid[]', 'bytes', array(uuids, 'uuid[]'), {
    constant: '00000000-0000-0000-0000-000000000000',
  }),
  typed('byteas', 'bytea[]', 'bytes', array(bytes, 'bytea[]')),
  typed('bools', 'bool[]', 'constant', ['array[true, true, false]', 'array[false]'], { constant: 't' }),
  typed('dates', 'date[]', 'constant', array(dates, 'date[]'), { constant: '1970-01-01' }),
  typed('jsonbs', 'jsonb[]', 'constant', array(documents, 'jsonb[]'), { constant: '{"hidden": [1]}' }),
  typed('people', 'r.person[]', 'none', array(people, 'r.person[]')),
  typed('tones', 'r.tone[]', 'none', array([`'${letters}1'`, `'${letters}2'`], 'r.tone[]')),
  typed('codes', 'r.code[]', 'none', array(words, 'r.code[]')),
]

/** Types, in a schema of their own, that the columns need. */
export const typesSql = `
create schema r;
create extension citext schema r;
create type r.tone as enum ('${letters}1', '${letters}2');
create type r.person as (alias text, number int8);
create domain r.code as text check (length(value) < 90);
create domain r.short as varchar(6);
create domain r.code6 as r.short check (length(value) > 1);
create domain r.key as int4 check (value <> 0);
`

import type { Masking } from '@sallyport/core'
import { expect, test } from 'vitest'
import { diagnosticsFor } from './diagnostics.ts'

const masked = new Set(['ssn'])
const masking = (mode: Masking['mode']): Masking => ({
  mode,
  columns: [{ column: 'app.customers.ssn', tag: 'ssn' }],
  detectors: [],
  redactors: {},
})
const said = (mode: Masking['mode'], fields: Readonly<Record<string, string>>) => {
  const diagnostics = diagnosticsFor(masking(mode), masked)
  if (diagnostics === 'clear') throw new Error('texts pass as they are')
  return Object.fromEntries(diagnostics(new Map(Object.entries(fields))))
}

test('what the parser says of the text itself is told in either mode', () => {
  const fields = { C: '42703', M: 'column "nosuch" does not exist', P: '8' }
  expect(said('strict', fields)['M']).toBe(fields.M)
  expect(said('lenient', fields)['M']).toBe(fields.M)
})

test.each([
  ['42P01', 'relation "900-00-0001" does not exist'],
  ['42704', 'unrecognized configuration parameter "900-00-0001"'],
  ['42601', 'syntax error in tsquery: "900-00-0001"'],
])('a value that was taken for a name is not quoted where it may be computed with: %s', (C, M) => {
  expect(said('lenient', { C, M })['M']).not.toContain('900')
})

test.each([
  ['22P02', { M: 'invalid input syntax for type integer: "900-00-0001"', P: '8' }],
  ['42P01', { M: 'said by a function', W: 'PL/pgSQL function app.f()' }],
  ['23505', { M: 'duplicate key', D: 'Key (ssn)=(900-00-0001) already exists.', n: 'customers_pkey' }],
])('detail, hint, context and the text of %s are left out in either mode', (C, fields) => {
  for (const mode of ['strict', 'lenient'] as const) {
    const told = said(mode, { S: 'ERROR', C, ...fields })
    expect(Object.keys(told).filter((letter) => 'DHWq'.includes(letter))).toEqual([])
    expect(told['M']).toMatch(/hidden/)
    expect(told['C']).toBe(C)
  }
})

test('nothing is changed for who sees all', () => {
  expect(diagnosticsFor(masking('strict'), new Set())).toBe('clear')
})

import { describe, expect, test } from 'vitest'
import { isAlikeEverywhere } from './alike.ts'

const long = 'é'.repeat(40)

describe('a text whose names a server may read otherwise in its own encoding', () => {
  test.each([
    ['a long name in quotes', `prepare "${long}" as select 1`],
    ['a long name without', `select ${long}`],
    ['a capital that it may fold', 'select É from t'],
    ['a name by escapes', 'select u&"\\00c9"'],
    ['a name behind a string', `select 'x' as É`],
    ['a name behind a quoted one', `select "a""b" , É`],
    ['a name behind a comment', `select /* ' */ É -- '`],
    ['a name behind an escape string', `select e'\\'' , É, ''`],
    ['a name behind a dollar quote', `select $x$ ' $x$ , É`],
  ])('%s', (_, sql) => {
    expect(isAlikeEverywhere(sql)).toBe(false)
  })
})

test.each([
  `select "É", größe, '${long}É' from "${'é'.repeat(31)}"`,
  `select 1 -- ${long}`,
  `select /* É */ $$É$$, e'\\'É'`,
  `select ${'a'.repeat(100)}`,
])('one whose names are the same everywhere: %s', (sql) => {
  expect(isAlikeEverywhere(sql)).toBe(true)
})

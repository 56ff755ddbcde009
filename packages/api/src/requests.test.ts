import { expect, test } from 'vitest'
import { requests } from './requests.ts'

const takes = (reason: string): boolean =>
  requests.create.body.safeParse({ resource: 'orders-db', reason }).success

test('a reason is one line of plain words, in any language', () => {
  for (const reason of ['a broken import', 'Überprüfung: 30 % fehlen', 'پیگیری خطا', '👩‍💻 fixes it'])
    expect({ reason, isTaken: takes(reason) }).toEqual({ reason, isTaken: true })
})

test('no reason changes what its reader’s terminal shows', () => {
  for (const reason of [
    '',
    '  ',
    'a\nb',
    'a\u001b[2Kb',
    'a\u0000',
    'a\u0085b',
    'a\u2028b',
    'a\u202egnp.exe',
    'a\u2066b',
  ])
    expect({ reason, isTaken: takes(reason) }).toEqual({ reason, isTaken: false })
})

import { expect, test } from 'vitest'
import { csv } from './csv.ts'

test('commas, quotes and lines stay inside their cell', () => {
  expect(
    csv(
      ['a', 'b'],
      [
        ['x,y', 'say "hi"'],
        ['two\nlines', ''],
      ],
    ),
  ).toBe('a,b\r\n"x,y","say ""hi"""\r\n"two\nlines",\r\n')
})

test('no cell is a formula, whatever somebody wrote as a reason', () => {
  expect(csv(['a'], [['=HYPERLINK("http://x")'], ['+1'], ['-1'], ['@x'], ['\t=1'], ['a=b']])).toBe(
    `a\r\n"'=HYPERLINK(""http://x"")"\r\n'+1\r\n'-1\r\n'@x\r\n'\t=1\r\na=b\r\n`,
  )
})

import { expect, test } from 'vitest'
import { differenceOf } from './difference.ts'

const file = (name: string, text: string) => ({ name, text })

test('a set differs from itself in nothing, in whatever order its files are', () => {
  const [a, b] = [file('a', 'permit;\n'), file('b', 'forbid;\n')]
  expect(differenceOf([a, b], [b, a])).toBe('')
})

test('a changed line is shown between those around it', () => {
  const before = file('orders', ['one', 'two', 'three', 'four', 'five', 'six', ''].join('\n'))
  const after = { ...before, text: before.text.replace('five', 'FIVE') }
  expect(differenceOf([before], [after])).toBe(`--- a/orders.cedar
+++ b/orders.cedar
@@ -2,5 +2,5 @@
 two
 three
 four
-five
+FIVE
 six
`)
})

test('files that come and go are shown whole', () => {
  const difference = differenceOf([file('gone', 'a\n')], [file('come', 'b\n')])
  expect(difference).toContain('--- /dev/null\n+++ b/come.cedar\n')
  expect(difference).toContain('\n+b\n')
  expect(difference).toContain('--- a/gone.cedar\n+++ /dev/null\n')
  expect(difference).toContain('\n-a\n')
})

test('texts that have little in common are compared in a time that has an end', () => {
  const text = (mark: string) => Array.from({ length: 6000 }, (_, i) => `${mark} ${i}\n`).join('')
  const beganMs = performance.now()
  const difference = differenceOf([file('big', text('old'))], [file('big', text('new'))])
  expect(performance.now() - beganMs).toBeLessThan(5000)
  expect(difference).toContain('@@ -1,6000 +1,6000 @@')
  expect(difference.split('\n').filter((line) => line.startsWith('+new'))).toHaveLength(6000)
})

import { expect, test } from 'vitest'
import workspace from '../../../package.json' with { type: 'json' }
import { cannotRun } from './node-version.ts'

test('a Node.js that is too old is told so, and which one it takes', () => {
  expect(cannotRun('20.20.2')).toBe(
    'error: Sallyport needs Node.js 24.15 or newer, and this is 20.20.2\n  next: install it, or put it first on PATH\n',
  )
  expect(cannotRun('24.14.9')).toContain('24.14.9')
  for (const version of ['24.15.0', '24.21.0', '25.0.0']) expect(cannotRun(version)).toBeUndefined()
  expect(workspace.engines.node).toBe('>=24.15')
})

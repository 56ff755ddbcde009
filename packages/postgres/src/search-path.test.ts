import { describe, expect, test } from 'vitest'
import { isRefusal } from '@sallyport/core'
import { parsePath, SearchPath } from './search-path.ts'

describe('search_path', () => {
  test.each([
    ['"$user", public', ['app', 'public']],
    ['a, "B c", C', ['a', 'B c', 'c']],
    ['"say ""hi"""', ['say "hi"']],
    ['', []],
    ['""', []],
    ['ÄB', ['Äb']],
  ])('%s is split as the server splits it', (text, expected) => {
    expect(parsePath(text, 'app')).toEqual(expected)
  })

  test.each(['a b', '"open', 'a,,b', ',a'])('%s cannot be told', (text) => {
    expect(parsePath(text, 'app')).toBe('unknown')
  })

  test('follows SET, SET LOCAL, commit and rollback', () => {
    const path = new SearchPath('app', '"$user", public')
    const change = (value: string | undefined, isLocal = false): void => {
      path.sent()
      path.applied(value, isLocal)
    }
    change('a')
    path.transactionEnded()
    expect(path.current()).toEqual(['a'])
    change('b', true)
    expect(path.current()).toEqual(['b'])
    path.transactionEnded()
    expect(path.current()).toEqual(['a'])
    change('c')
    path.rolledBack()
    path.transactionEnded()
    expect(path.current()).toEqual(['a'])
    change(undefined)
    path.transactionEnded()
    expect(path.current()).toEqual(['app', 'public'])
  })

  test('after a rollback to a savepoint that may have taken a change back, nothing is guessed until the server says', () => {
    const path = new SearchPath('app', 'public')
    path.sent()
    path.applied('a', false)
    path.rolledBackToSavepoint()
    expect(isRefusal(path.current())).toBe(true)
    path.reported('a')
    expect(path.current()).toEqual(['a'])
  })

  test('judgement waits while a change is on its way', async () => {
    const path = new SearchPath('app', 'public')
    path.sent()
    let isSettled = false
    const waiting = path.settled().then(() => (isSettled = true))
    await Promise.resolve()
    expect(isSettled).toBe(false)
    path.undone()
    await waiting
    expect(path.current()).toEqual(['public'])
  })
})

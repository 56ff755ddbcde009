import { describe, expect, test } from 'vitest'
import { isRefusal } from '@sallyport/core'
import { parsePath } from './path-state.ts'
import { SearchPath } from './search-path.ts'

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

  test('a rollback to a savepoint takes back what was changed behind it, and nothing before', () => {
    const path = new SearchPath('app', 'public')
    path.applied('a', false)
    path.savepoint('s')
    path.rolledBackToSavepoint('s')
    expect(path.current()).toEqual(['a'])
    path.applied('b', false)
    path.rolledBack()
    path.rolledBackToSavepoint('s')
    expect(path.current()).toEqual(['a'])
    path.transactionEnded()
    expect(path.current()).toEqual(['a'])
  })

  test('the last savepoint of a name is meant, and those behind it are gone with it', () => {
    const path = new SearchPath('app', 'public')
    path.savepoint('s')
    path.applied('a', false)
    path.savepoint('s')
    path.applied('b', false)
    path.savepoint('t')
    path.applied('c', true)
    path.rolledBackToSavepoint('s')
    expect(path.current()).toEqual(['a'])
    path.rolledBackToSavepoint('t')
    expect(isRefusal(path.current())).toBe(true)
  })

  test('what a released savepoint held back stays, and the one before it of that name counts again', () => {
    const path = new SearchPath('app', 'public')
    path.savepoint('s')
    path.applied('a', false)
    path.savepoint('s')
    path.applied('b', true)
    path.released('s')
    expect(path.current()).toEqual(['b'])
    path.rolledBackToSavepoint('s')
    expect(path.current()).toEqual(['public'])
    path.transactionEnded()
    expect(path.current()).toEqual(['public'])
  })

  test('what SET LOCAL stands before comes back with a rollback to a savepoint', () => {
    const path = new SearchPath('app', 'public')
    path.applied('a', true)
    path.savepoint('s')
    path.applied('b', false)
    path.rolledBackToSavepoint('s')
    expect(path.current()).toEqual(['a'])
    path.transactionEnded()
    expect(path.current()).toEqual(['public'])
  })

  test('a transaction takes its savepoints with it', () => {
    const path = new SearchPath('app', 'public')
    path.savepoint('s')
    path.transactionEnded()
    path.applied('a', false)
    path.rolledBackToSavepoint('s')
    expect(isRefusal(path.current())).toBe(true)
  })

  test('more savepoints than are remembered are not guessed at', () => {
    const path = new SearchPath('app', 'public')
    path.savepoint('first')
    path.applied('a', false)
    for (let i = 0; i < 1000; i++) path.savepoint('more')
    path.rolledBackToSavepoint('more')
    expect(path.current()).toEqual(['a'])
    path.rolledBackToSavepoint('first')
    expect(isRefusal(path.current())).toBe(true)
  })

  test('after a rollback to a savepoint that is not known nothing is guessed until the server says', () => {
    const path = new SearchPath('app', 'public')
    path.applied('a', false)
    path.rolledBackToSavepoint('s')
    expect(isRefusal(path.current())).toBe(true)
    path.reported('a')
    expect(path.current()).toEqual(['a'])
  })

  test('judgement waits while a change is on its way', async () => {
    const path = new SearchPath('app', 'public')
    const segment = path.sent()
    let isSettled = false
    const waiting = path.settled().then(() => (isSettled = true))
    await Promise.resolve()
    expect(isSettled).toBe(false)
    path.answered(segment)
    await waiting
    expect(path.current()).toEqual(['public'])
  })

  test('and behind the Sync, until the server is ready: a failure may take the change back', () => {
    const path = new SearchPath('app', 'public')
    const segment = path.sent()
    const ended = path.segmentSent()
    path.applied('a', false)
    path.answered(segment)
    expect(path.isSettled).toBe(false)
    path.rolledBack()
    path.transactionEnded()
    path.segmentEnded(ended)
    expect(path.isSettled).toBe(true)
    expect(path.current()).toEqual(['public'])
  })

  test('a rollback to one that is not known may take back what SET LOCAL stands before, too', () => {
    const path = new SearchPath('app', 'public')
    path.applied('a', true)
    path.applied('b', false)
    path.rolledBackToSavepoint('s')
    path.transactionEnded()
    expect(isRefusal(path.current())).toBe(true)
  })

  test('a change that may not have come to be is not believed, and a rollback ends the doubt', () => {
    const path = new SearchPath('app', 'public')
    path.doubt(false)
    expect(isRefusal(path.current())).toBe(true)
    path.rolledBack()
    path.transactionEnded()
    expect(path.current()).toEqual(['public'])
  })
})

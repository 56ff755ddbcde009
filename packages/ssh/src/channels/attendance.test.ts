import { mintPermit, type Audience, type OperationId, type Refusal, type SessionId } from '@sallyport/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { maxPauseMs } from '../limits.ts'
import { Attendance } from './attendance.ts'

const permit = mintPermit(1 as OperationId, { maskedTags: new Set(), watchers: [['security']] }, 0)

/** Somebody who comes and goes. */
function audience(): Audience & { come(): void; go(): void } {
  let isPresent = true
  const told = new Set<() => void>()
  const become = (present: boolean): void => {
    isPresent = present
    for (const tell of told) tell()
  }
  return {
    isPresent: () => isPresent,
    onChange: (changed) => {
      told.add(changed)
      return { [Symbol.dispose]: () => void told.delete(changed) }
    },
    come: () => become(true),
    go: () => become(false),
  }
}

function attended() {
  const watchers = audience()
  const said: string[] = []
  const passed: string[] = []
  const ended: Refusal[] = []
  const attendance = new Attendance({
    session: { id: 'ses_1' as SessionId, audience: watchers },
    permit,
    say: (words) => void said.push(words),
    end: (why) => void ended.push(why),
    broke: (thrown) => void passed.push(String(thrown)),
  })
  const side = (name: string) => ({
    data: (bytes: Buffer) => void passed.push(`${name} ${bytes.toString()}`),
    eof: () => void passed.push(`${name} eof`),
    closed: () => void passed.push(`${name} closed`),
    drained: () => undefined,
    request: ({ type }: { readonly type: string }) => void passed.push(`${name} ${type}`),
  })
  const up = attendance.held(side('up'))
  const down = attendance.heldToEnd(side('down'))
  return { watchers, said, passed, ended, attendance, up, down }
}

describe('what must be watched', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('passes while they watch', () => {
    const { up, down, passed, said } = attended()
    up.data(Buffer.from('ls'))
    down.data(Buffer.from('a'))
    expect(passed).toEqual(['up ls', 'down a'])
    expect(said).toEqual([])
  })

  test('waits both ways while they do not, how it ended too, and goes on in its order', () => {
    const { watchers, up, down, passed, said } = attended()
    watchers.go()
    up.data(Buffer.from('ls'))
    down.data(Buffer.from('a'))
    up.eof()
    down.request({ type: 'exit-status' })
    down.closed()
    expect(passed).toEqual([])
    expect(said).toEqual([
      'paused until somebody of security watches: sallyport sessions watch ses_1; it ends in 5 min',
    ])
    watchers.come()
    expect(passed).toEqual(['up ls', 'down a', 'up eof', 'down exit-status', 'down closed'])
    expect(said[1]).toBe('it goes on: it is watched again')
  })

  test('ends where nobody comes back, and nothing of what waited passes', () => {
    const { watchers, up, passed, ended, attendance } = attended()
    watchers.go()
    up.data(Buffer.from('ls'))
    vi.advanceTimersByTime(maxPauseMs - 1)
    expect(ended).toEqual([])
    vi.advanceTimersByTime(1)
    expect(ended).toMatchObject([{ code: 'not-watched' }])
    attendance[Symbol.dispose]()
    watchers.come()
    expect(passed).toEqual([])
  })
})

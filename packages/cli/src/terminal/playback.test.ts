import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { restored } from './harmless.ts'
import { play, type Played, type PlaybackOptions } from './playback.ts'

const options: PlaybackOptions = { speed: 1, skipIdleMs: 2000, seekMs: 0 }
const at = (atMs: number, data: string, code = 'o'): Played => ({ atMs, code, data })

async function* of(events: readonly Played[]): AsyncGenerator<Played> {
  for (const event of events) yield await Promise.resolve(event)
}

async function played(
  events: readonly Played[],
  some: Partial<PlaybackOptions> = {},
  input = new PassThrough(),
) {
  const output = new PassThrough()
  const from = performance.now()
  const isWhole = await play(of(events), { ...options, ...some }, { input, output })
  return { isWhole, text: String(output.read()).replace(restored, ''), tookMs: performance.now() - from }
}

/** Somebody's keyboard. */
function keyboard(): PassThrough & { isTTY: boolean; raw: boolean[]; setRawMode(isRaw: boolean): void } {
  const raw: boolean[] = []
  return Object.assign(new PassThrough(), {
    isTTY: true,
    raw,
    setRawMode: (isRaw: boolean) => void raw.push(isRaw),
  })
}

describe('a terminal that is played again', () => {
  test('takes the time that it took, or as much less as is asked for', async () => {
    const events = [at(0, 'a'), at(300, 'b')]
    const once = await played(events)
    expect(once).toMatchObject({ isWhole: true, text: 'ab' })
    expect(once.tookMs).toBeGreaterThan(250)
    expect((await played(events, { speed: 10 })).tookMs).toBeLessThan(250)
  })

  test('does not wait long where nothing happens', async () => {
    expect((await played([at(0, 'a'), at(60_000, 'b')], { skipIdleMs: 20 })).tookMs).toBeLessThan(5000)
  })

  test('draws at once what was before the moment that is asked for', async () => {
    const seen = await played([at(0, 'a'), at(50_000, 'b'), at(60_010, 'c')], { seekMs: 60_000 })
    expect(seen.text).toBe('abc')
    expect(seen.tookMs).toBeLessThan(5000)
  })

  test('shows output alone, without what would act on this terminal', async () => {
    const events = [
      at(0, 'typed', 'i'),
      at(0, '80x24', 'r'),
      at(0, '#1', 'm'),
      at(0, 'x\u001b]52;c;eA==\u0007y'),
    ]
    expect((await played(events)).text).toBe('xy')
  })

  test('pauses at space, goes on at the next, and gives the keyboard back', async () => {
    const input = keyboard()
    input.write(' ')
    setTimeout(() => input.write(' '), 200)
    const seen = await played([at(0, 'a'), at(1, 'b')], {}, input)
    expect(seen).toMatchObject({ isWhole: true, text: 'ab' })
    expect(seen.tookMs).toBeGreaterThan(150)
    expect(input.raw).toEqual([true, false])
  })

  test.each(['q', '\u0003', ' q'])('is over at %j', async (key) => {
    const input = keyboard()
    input.write(key)
    const seen = await played([at(0, 'a'), at(60_000, 'b')], { skipIdleMs: 60_000 }, input)
    expect(seen.isWhole).toBe(false)
    expect(seen.text).not.toContain('b')
  })
})

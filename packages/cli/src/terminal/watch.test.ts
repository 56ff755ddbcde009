import { PassThrough } from 'node:stream'
import type { Client, RecordedLine } from '@sallyport/api'
import { describe, expect, test } from 'vitest'
import { Printer } from '../printer.ts'
import { begun, replayTerminal } from './replay-terminal.ts'
import { watch, type WatchOptions } from './watch.ts'

const line = (sequence: number, kind: string, more: object = {}): RecordedLine => ({
  sequence,
  at: new Date(1_767_225_600_000 + sequence * 1000).toISOString(),
  kind,
  ...more,
})
const shell = [
  line(1, 'opened', { principal: { name: 'alice' }, resource: 'web-1' }),
  line(2, 'operation', { id: 1, text: 'shell', effect: 'allow', parameters: [], facts: [] }),
  line(3, 'terminal', { id: 1, columns: 80, rows: 24, term: 'xterm' }),
  line(4, 'output', { id: 1, stream: 'stdout', text: '$ ls\r\n' }),
  line(5, 'output', {
    id: 1,
    stream: 'stdout',
    base64: Buffer.from('\u001b]0;evil\u0007é').toString('base64'),
  }),
]

async function* of(lines: readonly RecordedLine[]): AsyncGenerator<RecordedLine> {
  for (const one of lines) yield await Promise.resolve(one)
}

function surroundings(input = new PassThrough()) {
  const output = Object.assign(new PassThrough(), { isTTY: true })
  const written = () => String(output.read() ?? '')
  return {
    written,
    environment: { NO_COLOR: '1' },
    input,
    output,
    errors: new PassThrough(),
    signals: process,
    now: Date.now,
  }
}

describe('a recording', () => {
  test('is a terminal’s where there is one before anything came of what was asked, and is played whole', async () => {
    const { isOfTerminal, lines } = await begun(of(shell))
    expect(isOfTerminal).toBe(true)
    const around = surroundings()
    const how = { speed: 1000, skipIdleMs: 1, seekMs: 0 }
    expect(await replayTerminal(lines, undefined, how, around)).toBe(true)
    expect(around.written()).toContain('$ ls\r\né')
  })

  test('is one of statements where there is none', async () => {
    const statements = [shell[0]!, shell[1]!, line(3, 'result', { id: 1 }), line(4, 'closed')]
    const { isOfTerminal, lines } = await begun(of(statements))
    expect(isOfTerminal).toBe(false)
    const all = []
    for await (const one of lines) all.push(one.sequence)
    expect(all).toEqual([1, 2, 3, 4])
  })
})

describe('a session that is watched', () => {
  const live = [
    line(0, 'watching', { watch: 'w' }),
    ...shell.slice(3),
    line(0, 'nothing-new'),
    line(6, 'closed', { reason: 'client-left' }),
  ]
  const ended = line(6, 'watching-ended', { reason: 'the session has ended' })

  async function watched(lines: readonly RecordedLine[], some: Partial<WatchOptions> = {}) {
    const sessions = {
      watch: () => of(lines),
      events: () => of(shell),
      stillWatching: () => Promise.resolve(),
    }
    const around = surroundings()
    const how = { id: 'ses_1', fromStart: false, asJson: false, ...some }
    const why = await watch({ sessions } as unknown as Client, how, around, new Printer(around, {}))
    return { why, text: around.written() }
  }

  test('is shown as it goes, without what would act on this terminal, until it ends', async () => {
    const { why, text } = await watched([...live, ended])
    expect(why).toBe('the session has ended')
    expect(text).toContain('$ ls\r\né')
    expect(text).not.toContain('evil')
    expect(text).toContain('closed: client-left')
  })

  test('is shown from its start where that is asked for, each event once', async () => {
    const { text } = await watched([...live, ended], { fromStart: true })
    expect(text).toContain('opened by alice on web-1')
    expect(text.split('$ ls')).toHaveLength(2)
  })

  test('is an event a line for scripts', async () => {
    const { text } = await watched([...live, ended], { asJson: true })
    expect(
      text
        .trim()
        .split('\n')
        .map((it) => (JSON.parse(it) as RecordedLine).kind),
    ).toEqual(['output', 'output', 'closed'])
  })

  test('says so where the connection breaks off', async () => {
    expect((await watched(live)).why).toBe('the connection has ended')
  })
})

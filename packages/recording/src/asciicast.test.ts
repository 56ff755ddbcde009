import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OperationId, Passage, RecordingEvent } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { asciicastOf } from './asciicast.ts'
import { eventLine, readEventLine, type RecordedEvent } from './event-line.ts'

const id = 1 as OperationId
const opened = {
  kind: 'opened',
  session: 'ses_1',
  principal: { kind: 'user', id: 'user:alice', name: 'alice', groups: [] },
  resource: 'web-1',
} as unknown as RecordingEvent
const terminal = { kind: 'terminal', id, columns: 100, rows: 30, term: 'xterm-256color' } as const
const out = (bytes: Buffer | string, of = id): Passage => ({
  kind: 'output',
  id: of,
  stream: 'stdout',
  bytes: Buffer.from(bytes),
})
const asked = (text: string, of = id): RecordingEvent =>
  ({ kind: 'operation', id: of, text, effect: 'allow', parameters: [], facts: [], policies: [] }) as never

/** As a recording gives them back, one each 100 ms. */
async function* recorded(events: readonly RecordingEvent[]): AsyncGenerator<RecordedEvent> {
  for (const [i, event] of events.entries())
    yield await Promise.resolve(readEventLine(eventLine(event, i + 1, 1_767_225_600_000 + 100 * i, '')))
}

async function castOf(events: readonly RecordingEvent[], wanted?: OperationId): Promise<unknown[]> {
  const lines = []
  for await (const line of asciicastOf(recorded(events), wanted)) lines.push(line)
  return lines
}

describe('a recording as an asciicast', () => {
  it('has the terminal’s size and type, its output and resizes, and marks for what was asked', async () => {
    expect(
      await castOf([
        opened,
        asked('shell'),
        terminal,
        out('$ '),
        { kind: 'input', id, bytes: Buffer.from('ls\r') },
        { kind: 'command-seen', id, text: 'ls' },
        { ...terminal, columns: 120 },
        out('ls\r\n'),
      ]),
    ).toEqual([
      {
        version: 2,
        width: 100,
        height: 30,
        timestamp: 1_767_225_600,
        title: 'ses_1: alice on web-1',
        env: { TERM: 'xterm-256color' },
      },
      [0, 'm', '#1 shell'],
      [0.1, 'o', '$ '],
      [0.2, 'i', 'ls\r'],
      [0.3, 'm', 'seen: ls'],
      [0.4, 'r', '120x30'],
      [0.5, 'o', 'ls\r\n'],
    ])
  })

  it('keeps letters together that came in parts, and shows what is no letter as such', async () => {
    const letter = Buffer.from('日')
    const [, ...events] = await castOf([
      terminal,
      out(Buffer.from([0x61, ...letter.subarray(0, 1)])),
      out(letter.subarray(1)),
      out(Buffer.from([0xff, 0x62, 0xe6])),
    ])
    expect(events.map((it) => (it as readonly unknown[])[2])).toEqual(['a', '日', '\ufffdb', '\ufffd'])
  })

  it('is of one terminal where there are several: the first, or the one that is asked for', async () => {
    const two = 2 as OperationId
    const events = [
      asked('shell'),
      terminal,
      asked('shell', two),
      { ...terminal, id: two, columns: 50 },
      out('a'),
      out('b', two),
    ]
    const texts = (cast: readonly unknown[]) => cast.slice(1).map((it) => (it as readonly unknown[]).slice(1))
    expect(texts(await castOf(events))).toEqual([
      ['m', '#1 shell'],
      ['m', '#2 shell'],
      ['o', 'a'],
    ])
    const second = await castOf(events, two)
    expect(second[0]).toMatchObject({ width: 50 })
    expect(texts(second)).toContainEqual(['o', 'b'])
    expect(texts(second)).not.toContainEqual(['o', 'a'])
  })

  it('is of all commands where none has a terminal, with lines that begin at the left', async () => {
    const [header, ...events] = await castOf([asked('uname\n-a'), out('Linux\n')])
    expect(header).toMatchObject({ width: 80, height: 24, env: {} })
    expect(events).toEqual([
      [0, 'm', '#1 uname -a'],
      [0.1, 'o', 'Linux\r\n'],
    ])
  })

  it('has nothing but a header where nothing was shown', async () => {
    expect(await castOf([opened])).toHaveLength(1)
  })

  const player = spawnSync('asciinema', ['--version'])
  it.skipIf(player.error !== undefined)(
    'is one to asciinema itself (skipped where that is not installed)',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'sallyport-asciicast-'))
      try {
        const file = join(directory, 'session.cast')
        const cast = await castOf([
          opened,
          asked('shell'),
          terminal,
          out('hällo \u001b[1m'),
          { ...terminal, rows: 5 },
          out('日本\r\n'),
        ])
        writeFileSync(file, cast.map((line) => `${JSON.stringify(line)}\n`).join(''))
        // It wants a terminal of its own.
        const inTerminal = ['-qec', `asciinema cat ${file}`, '/dev/null']
        const shown = execFileSync('script', inTerminal, {
          env: { ...process.env, LANG: 'C.UTF-8' },
          timeout: 30_000,
        })
        expect(shown.toString().replaceAll('\r', '')).toBe('hällo \u001b[1m日本\n')
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
  )
})

import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { openLog, type LogOptions } from './log.ts'

function written(format: LogOptions['format'], isTTY: boolean) {
  const lines: string[] = []
  const output = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString())
        done()
      },
    }),
    { isTTY },
  )
  return { lines, log: openLog({ level: 'info', format, output }) }
}

test('writes JSON where nobody watches, text on a terminal', () => {
  const machine = written('auto', false)
  machine.log.info({ session: 'ses_1' }, 'opened')
  expect(JSON.parse(machine.lines.join(''))).toMatchObject({ level: 'info', session: 'ses_1', msg: 'opened' })

  const person = written('auto', true)
  person.log.warn({ session: 'ses_1', reason: 'two words' }, 'opened')
  expect(stripVTControlCharacters(person.lines.join(''))).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} warn  opened session=ses_1 reason="two words"\n$/,
  )
})

test.each(['json', 'text'] as const)('never writes a secret as %s', (format) => {
  const { lines, log } = written(format, false)
  log.info(
    {
      password: 'hunter2',
      headers: { authorization: 'Bearer hunter2', cookie: 'hunter2' },
      request: { body: { token: 'hunter2', code: 'hunter2' } },
      held: new Secret('hunter2'),
    },
    'asked',
  )
  expect(lines.join('')).toContain('[redacted]')
  expect(lines.join('')).not.toContain('hunter2')
})

test('shows why something was refused: the codes of refusals, faults and the system are no secrets', () => {
  const { lines, log } = written('json', false)
  log.warn({ code: 'invalid-credential' }, 'log-in-refused')
  log.error({ err: Object.assign(new Error('no room'), { code: 'ENOSPC' }) }, 'failed')
  expect(lines.join('')).toContain('"code":"invalid-credential"')
  expect(lines.join('')).toContain('ENOSPC')
})

test('shows an error with its causes', () => {
  const { lines, log } = written('text', false)
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  expect(lines.join('')).toMatch(/outer[\s\S]*inner/)
})

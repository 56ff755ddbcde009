import { expect, test } from 'vitest'
import { askedOf } from './asked.ts'

const command = { kind: 'exec', command: Buffer.from('deploy') } as const
const size = { columns: 80, rows: 24, widthPixels: 0, heightPixels: 0 }

test('reviewers and recordings see the terminal and the variables of a program', () => {
  const { operation } = askedOf(command, {
    terminal: { term: 'xterm', size, modes: Buffer.alloc(0) },
    variables: [
      { name: 'LANG', value: Buffer.from('de_DE.UTF-8') },
      { name: 'LC_TO', value: Buffer.from('a=b\nLANG=C') },
      { name: 'LC_RAW', value: Buffer.from([0xff, 0x1b]) },
    ],
  })
  expect(operation.text).toBe('deploy')
  expect(operation.parameters).toEqual([
    'terminal xterm',
    'LANG=de_DE.UTF-8',
    'LC_TO=a=b⟨0A⟩\nLANG=C',
    'LC_RAW=⟨FF⟩⟨1B⟩',
  ])
})

test('a program without a terminal and variables has nothing beside its text', () => {
  const { operation } = askedOf(command, { terminal: undefined, variables: [] })
  expect(operation.parameters).toEqual([])
})

test('no variable looks like a terminal, and no two values look alike', () => {
  const shown = (value: Buffer): unknown =>
    askedOf(command, { terminal: undefined, variables: [{ name: 'terminal', value }] }).operation.parameters
  expect(shown(Buffer.from('xterm'))).toEqual(['terminal=xterm'])
  expect(shown(Buffer.from('⟨FF⟩'))).not.toEqual(shown(Buffer.from([0xff])))
})

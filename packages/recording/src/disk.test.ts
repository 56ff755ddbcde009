import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('records to the end while the process can open no file any more', () => {
  const program = fileURLToPath(new URL('../test/without-descriptors.ts', import.meta.url))
  const said = execFileSync('/bin/sh', ['-c', 'ulimit -n 96; exec "$@"', 'sh', process.execPath, program], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  expect(said.trim().split('\n')).toEqual(['EMFILE', 'sound 302', 'sound 302', 'sound 302', 'failures 0'])
})

import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { mustRun, run, startNode, startProcess } from './process.ts'

test('a line is found whether it was printed before or comes later', async () => {
  await using shell = await startProcess('/bin/sh', [
    '-c',
    'echo early; read -r word; echo "got $word"; sleep 60',
  ])
  await shell.line(/^early$/)
  shell.write('this\n')
  expect((await shell.line(/^got (.*)$/))[1]).toBe('this')
  expect((await shell.line(/^early$/)).index).toBe(0)
})

test('waiting for a line of a process that ends says what it printed', async () => {
  await using shell = await startProcess('/bin/sh', ['-c', 'echo something else; exit 3'])
  await expect(shell.line(/never/)).rejects.toThrow('something else')
  expect(await shell.exited).toEqual({ code: 3, signal: null })
})

test('stop asks first and kills what does not listen', async () => {
  const stubborn = await startProcess('/bin/sh', [
    '-c',
    'trap "" TERM; echo ready; while :; do sleep 1; done',
  ])
  await stubborn.line(/ready/)
  expect(await stubborn.stop('SIGTERM', 100)).toMatchObject({ signal: 'SIGKILL' })
})

test('a program that is not there is an error at once', async () => {
  await expect(startProcess('/no/such/program', [])).rejects.toThrow('ENOENT')
})

test('what must succeed and does not says why', async () => {
  await expect(mustRun('/bin/sh', ['-c', 'echo because >&2; exit 1'])).rejects.toThrow('because')
  expect(await run('/bin/sh', ['-c', 'cat; exit 4'], { input: 'in' })).toMatchObject({
    code: 4,
    stdout: 'in',
  })
})

test('a process ends, and its directory goes, when the one that started it is killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sally-guard-'))
  const starter = await startNode('--input-type=module', [
    '--eval',
    `import { startProcess } from ${JSON.stringify(import.meta.resolve('./process.ts'))}
     const child = await startProcess('/bin/sleep', ['600'], { owns: ${JSON.stringify(directory)} })
     console.log('child ' + child.pid)`,
  ])
  const pid = Number((await starter.line(/^child (\d+)$/))[1])
  expect(isAlive(pid)).toBe(true)
  process.kill(starter.pid, 'SIGKILL')
  await starter.exited
  await eventually(() => !isAlive(pid) && !existsSync(directory))
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** There is nothing to wait on in somebody else's child: so it is asked for, for ten seconds at most. */
async function eventually(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isTrue(); tries++) await sleep(50)
  expect(isTrue()).toBe(true)
}

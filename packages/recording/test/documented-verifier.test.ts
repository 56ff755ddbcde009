import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { closed, exported, newGround, newSession, opened, operation } from './ground.ts'

const page = readFileSync(new URL('../../../docs/recording-format.md', import.meta.url), 'utf8')
const program = /```js\n([^]*?)```/.exec(page)?.[1] ?? ''

it('the verifier in the documentation accepts a recording, and refuses it with one byte changed', async () => {
  using ground = newGround()
  await using recordings = await ground.open()
  const session = newSession()
  const recorder = recordings.open(session)
  for (const event of [opened(session), operation(1), closed]) recorder.append(event)
  await recorder.close()
  const bytes = await exported(recordings, session)
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-verifier-'))
  try {
    const file = (name: string): string => join(directory, name)
    writeFileSync(file('verify.mjs'), program)
    writeFileSync(file('key.pem'), ground.publicKey.export({ type: 'spki', format: 'pem' }))
    const verify = async (content: Buffer): Promise<string> => {
      writeFileSync(file('recording'), content)
      const args = [file('verify.mjs'), file('recording'), file('key.pem')]
      return (await promisify(execFile)(process.execPath, args)).stdout
    }
    expect(await verify(bytes)).toBe('closed 3\n')
    const changed = Buffer.from(bytes)
    changed.write('X', bytes.indexOf('select 1'))
    await expect(verify(changed)).rejects.toThrow('is not what followed')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

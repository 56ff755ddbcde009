import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ScramKeyring } from './scram-keys.ts'

describe('the keys of a password', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const asked: string[] = []
  let isBroken = false
  const keyring = (): ScramKeyring => {
    asked.length = 0
    const derive = (password: string, salt: Buffer, iterations: number): Promise<Buffer> => {
      asked.push(`${password} ${String(salt)} ${iterations}`)
      return isBroken ? Promise.reject(new Error('broken')) : Promise.resolve(Buffer.from(asked.at(-1)!))
    }
    return new ScramKeyring(derive)
  }
  const salt = Buffer.from('salt')

  test('are derived once for many log-ins, also at the same time', async () => {
    const keys = keyring()
    const [one, two] = await Promise.all([keys.get('a', salt, 4096), keys.get('a', salt, 4096)])
    expect(await keys.get('a', salt, 4096)).toEqual(one)
    expect(two).toEqual(one)
    expect(one.client).not.toEqual(one.server)
    expect(asked).toEqual(['a salt 4096'])
  })

  test('are those of that password, salt and number of iterations alone', async () => {
    const keys = keyring()
    const all = await Promise.all([
      keys.get('a', salt, 4096),
      keys.get('b', salt, 4096),
      keys.get('a', Buffer.from('pepper'), 4096),
      keys.get('a', salt, 4097),
    ])
    expect(new Set(all.map(({ client }) => client.toString('hex'))).size).toBe(4)
    expect(asked).toHaveLength(4)
  })

  test('are derived anew after ten minutes, and where they could not be', async () => {
    const keys = keyring()
    await keys.get('a', salt, 4096)
    vi.advanceTimersByTime(10 * 60_000)
    isBroken = true
    await expect(keys.get('a', salt, 4096)).rejects.toThrow('broken')
    isBroken = false
    await keys.get('a', salt, 4096)
    expect(asked).toHaveLength(3)
  })

  test('are kept for so many accounts, and no more', async () => {
    const keys = keyring()
    for (let i = 0; i <= 256; i++) await keys.get(String(i), salt, 4096)
    await keys.get('256', salt, 4096)
    expect(asked).toHaveLength(257)
    await keys.get('0', salt, 4096)
    expect(asked).toHaveLength(258)
  })
})

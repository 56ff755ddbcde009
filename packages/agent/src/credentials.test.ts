import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { heldCredential, parseSecretReference, readSecret } from './credentials.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-'))
afterAll(() => rmSync(directory, { recursive: true }))

const held = [
  {
    name: 'app',
    resources: ['orders-db', 'shop-db'],
    user: 'app_ro',
    password: { from: 'environment', variable: 'APP_PASSWORD' } as const,
  },
  { name: 'guest', resources: ['orders-db'], user: 'guest' },
]

test('a credential is given for its resources alone', async () => {
  const environment = { APP_PASSWORD: 'hunter2' }
  const given = await heldCredential(held, { name: 'app', resource: 'shop-db' }, environment)
  expect([given?.user, given?.password?.reveal()]).toEqual(['app_ro', 'hunter2'])
  expect(await heldCredential(held, { name: 'app', resource: 'wages-db' }, environment)).toBeUndefined()
  expect(await heldCredential(held, { name: 'root', resource: 'shop-db' }, environment)).toBeUndefined()
  expect(await heldCredential(held, { name: 'guest', resource: 'orders-db' }, environment)).toEqual({
    user: 'guest',
  })
})

test('a file is read anew each time, without its last newline', async () => {
  const path = join(directory, 'password')
  writeFileSync(path, ' one \n')
  expect((await readSecret({ from: 'file', path }, {})).reveal()).toBe(' one ')
  writeFileSync(path, 'two')
  expect((await readSecret({ from: 'file', path }, {})).reveal()).toBe('two')
})

test('what cannot be read is named, and is not taken for an empty password', async () => {
  const path = join(directory, 'empty')
  writeFileSync(path, '\n')
  await expect(readSecret({ from: 'file', path }, {})).rejects.toThrow(`${path} is empty`)
  await expect(readSecret({ from: 'file', path: `${path}.no` }, {})).rejects.toThrow('ENOENT')
  await expect(readSecret({ from: 'environment', variable: 'NONE' }, {})).rejects.toThrow('NONE is not set')
  await expect(heldCredential(held, { name: 'app', resource: 'shop-db' }, {})).rejects.toThrow('APP_PASSWORD')
})

test('a secret is referred to, never written', () => {
  expect(parseSecretReference('env:APP_PASSWORD')).toEqual({ from: 'environment', variable: 'APP_PASSWORD' })
  expect(parseSecretReference('file:/run/secrets/app')).toEqual({ from: 'file', path: '/run/secrets/app' })
  for (const text of ['hunter2', 'env:', 'env:A B', 'file:', 'vault:x', ''])
    expect(parseSecretReference(text)).toBeUndefined()
})

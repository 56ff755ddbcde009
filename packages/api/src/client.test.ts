import { describe, expect, expectTypeOf, test } from 'vitest'
import { createClient, type Client } from './client.ts'

describe('the client', () => {
  test('speaks https only', () => {
    expect(() => createClient({ baseUrl: 'http://gateway.example' })).toThrow('https only')
  })

  test('says that nobody is there', async () => {
    // Port 1 of the loopback: nothing listens there.
    const client = createClient({ baseUrl: 'https://127.0.0.1:1' })
    await expect(client.gateway.version()).rejects.toMatchObject({
      status: 0,
      code: 'unreachable',
      detail: expect.stringContaining('ECONNREFUSED'),
      next: expect.any(String),
    })
  })

  test('says so, too, where it was to learn whom to trust', async () => {
    const client = createClient({ baseUrl: 'https://127.0.0.1:1', fingerprint: 'sha256:00' })
    await expect(client.gateway.version()).rejects.toMatchObject({ code: 'unreachable' })
  })

  test('is typed by the table', () => {
    expectTypeOf<Parameters<Client['reviews']['approve']>[0]>().toEqualTypeOf<{
      id: string
      comment?: string | undefined
    }>()
    expectTypeOf<Parameters<Client['tokens']['create']>[0]>().toEqualTypeOf<{
      label: string
      ttlSeconds?: number | undefined
    }>()
    expectTypeOf<[]>().toExtend<Parameters<Client['whoami']['get']>>()
    expectTypeOf<[]>().not.toExtend<Parameters<Client['reviews']['get']>>()
    expectTypeOf<ReturnType<Client['sessions']['kill']>>().toEqualTypeOf<Promise<void>>()
    expectTypeOf<ReturnType<Client['sessions']['export']>>().toEqualTypeOf<AsyncIterable<Uint8Array>>()
  })
})

import { describe, expect, test } from 'vitest'
import { destinationOf } from './destination.ts'

const nothing = { http: false, private: false }
const everything = { http: true, private: true }
const at =
  (...addresses: string[]) =>
  () =>
    Promise.resolve(addresses)

describe('a webhook’s address', () => {
  test('is dialled where its name leads, as it was when it was checked', async () => {
    const { url, addresses } = await destinationOf(
      'https://hooks.example/x?y',
      nothing,
      at('192.0.2.7', '10.0.0.1'),
    )
    expect(url.href).toBe('https://hooks.example/x?y')
    expect(addresses).toEqual(['192.0.2.7'])
  })

  test.each(['http://hooks.example/', 'ftp://hooks.example/', 'not an address'])(
    'is refused: %s',
    async (url) => {
      await expect(destinationOf(url, { http: false, private: true }, at('192.0.2.7'))).rejects.toThrow(
        /http/,
      )
    },
  )

  test.each([
    '127.0.0.1',
    '127.9.9.9',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '::1',
    'fd12::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
  ])('is no %s, unless private networks are allowed', async (address) => {
    await expect(destinationOf('https://hooks.example/', nothing, at(address))).rejects.toThrow(/private/)
    const allowed = await destinationOf('https://hooks.example/', everything, at(address))
    expect(allowed.addresses).toEqual([address])
  })

  test.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    '100.100.100.200',
    'fe80::1',
    'fd00:ec2::254',
    '64:ff9b::a9fe:a9fe',
  ])('is never %s', async (address) => {
    await expect(destinationOf('https://hooks.example/', everything, at(address))).rejects.toThrow(
      /no webhook may reach/,
    )
  })

  test.each([
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://[::ffff:7f00:1]/',
  ])('is judged where it is a number, however it is written: %s', async (url) => {
    await expect(destinationOf(url, nothing, at('192.0.2.7'))).rejects.toThrow(/private/)
  })

  test('that cannot be resolved is a problem that names no secret path', async () => {
    const fails = () => Promise.reject(new Error('ENOTFOUND hooks.example'))
    await expect(destinationOf('https://hooks.example/secret', nothing, fails)).rejects.toThrow(
      /^the name of its host cannot be resolved$/,
    )
  })
})

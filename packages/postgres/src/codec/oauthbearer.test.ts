import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '@sallyport/core'
import { codeOf } from '../testing/code-of.ts'
import { encodePassword, encodeSaslInitial, encodeSaslResponse } from './frontend.ts'
import {
  checkAcknowledged,
  decodeSaslInitial,
  decodeSaslResponse,
  encodeInvalidToken,
  goOn,
  maxSaslBytes,
  offerBearer,
  readBearer,
} from './oauthbearer.ts'

const read = (text: string): string | undefined => readBearer(Buffer.from(text, 'latin1'))

describe('what a client says by OAUTHBEARER', () => {
  test('is what libpq says: a token, or a question where to get one', () => {
    expect(read('n,,\x01auth=Bearer sp_abc\x01\x01')).toBe('sp_abc')
    expect(read('n,,\x01auth=\x01\x01')).toBeUndefined()
  })

  test.each([
    ['y,,\x01auth=Bearer a\x01\x01', 'a'],
    ['n,,\x01auth=bEaReR   a.b-c_d~e+f/g==\x01\x01', 'a.b-c_d~e+f/g=='],
    ['n,,\x01host=db.example\x01port=5432\x01auth=Bearer a\x01x=\x01\x01', 'a'],
    ['n,,\x01Auth=Bearer b\x01auth=Bearer a\x01\x01', 'a'],
  ])('%j shows a token', (text, token) => {
    expect(read(text)).toBe(token)
  })

  test.each([
    'n,,\x01auth=Bearer\x01\x01',
    'n,,\x01auth=Bearer \x01\x01',
    'n,,\x01auth=Basic cHNxbDp4\x01\x01',
    'n,,\x01auth=Bearer\ta\x01\x01',
    'n,,\x01auth=Bearer a b\x01\x01',
    'n,,\x01auth=Bearer a=b\x01\x01',
    'n,,\x01auth= Bearer a\x01\x01',
    'n,,\x01auth= \x01\x01',
  ])('%j shows a token that is none', (text) => {
    expect(read(text)).toBe('')
  })

  test.each([
    ['', 'client/malformed'],
    ['\x01', 'client/malformed'],
    ['n', 'client/malformed'],
    ['n,', 'client/malformed'],
    ['n,,', 'client/malformed'],
    ['n,,\x01', 'client/malformed'],
    ['n,,\x01\x01', 'client/malformed'],
    ['p=tls-server-end-point,,\x01auth=Bearer a\x01\x01', 'client/malformed'],
    ['x,,\x01auth=Bearer a\x01\x01', 'client/malformed'],
    ['nn,,\x01auth=Bearer a\x01\x01', 'client/malformed'],
    ['n,a=somebody,\x01auth=Bearer a\x01\x01', 'client/unsupported'],
    ['n,b=x,\x01auth=Bearer a\x01\x01', 'client/malformed'],
    ['n,,auth=Bearer a\x01\x01', 'client/malformed'],
    ['n,,\x01auth=Bearer a\x01', 'client/malformed'],
    ['n,,\x01auth=Bearer a', 'client/malformed'],
    ['n,,\x01auth=Bearer a\x01\x01\x01', 'client/malformed'],
    ['n,,\x01auth=Bearer a\x01\x01x', 'client/malformed'],
    ['n,,\x01auth=Bearer a\x01\x01auth=Bearer b\x01\x01', 'client/malformed'],
    ['n,,\x01auth=Bearer a\x01auth=Bearer a\x01\x01', 'client/malformed'],
    ['n,,\x01auth=\x01auth=\x01\x01', 'client/malformed'],
    ['n,,\x01host=x\x01\x01', 'client/malformed'],
    ['n,,\x01auth\x01\x01', 'client/malformed'],
    ['n,,\x01=x\x01auth=\x01\x01', 'client/malformed'],
    ['n,,\x01a1=x\x01auth=\x01\x01', 'client/malformed'],
    ['n,,\x01auth=Bearer a\x00\x01\x01', 'client/malformed'],
    ['n,,\x01auth=Bearer \xe9\x01\x01', 'client/malformed'],
  ])('%j is refused', (text, code) => {
    expect(codeOf(() => read(text))).toBe(code)
  })

  const token = fc.stringMatching(/^[A-Za-z0-9._~+/-]{1,200}={0,2}$/)
  const pair = fc.tuple(
    fc.stringMatching(/^[A-Za-z]{1,10}$/),
    fc.stringMatching(/^[\x21-\x7e \t\r\n]{0,30}$/),
  )

  test('any token among any other pairs is the one that is read', () => {
    fc.assert(
      fc.property(token, fc.array(pair), fc.array(pair), fc.constantFrom('n', 'y'), (shown, a, b, flag) => {
        const say = (pairs: typeof a): string =>
          pairs
            .filter(([key]) => key !== 'auth')
            .map(([key, value]) => `${key}=${value}\x01`)
            .join('')
        expect(read(`${flag},,\x01${say(a)}auth=Bearer ${shown}\x01${say(b)}\x01`)).toBe(shown)
      }),
    )
  })

  test('anything else is a fault of the client’s, which repeats nothing of it', () => {
    const pieces = ['n', 'y', 'p', ',', ',,', '\x01', 'auth', '=', 'Bearer ', 's3cr3t', 'a=', '\x00']
    const text = fc.array(fc.constantFrom(...pieces)).map((all) => all.join(''))
    const faultOf = (said: string): Fault | undefined => {
      try {
        read(said)
        return undefined
      } catch (thrown) {
        if (thrown instanceof Fault) return thrown
        throw thrown
      }
    }
    const found = fc.check(
      fc.property(fc.oneof(text, fc.string()), (said) => {
        const fault = faultOf(said)
        return fault === undefined || (fault.code.startsWith('client/') && !fault.shown.includes('s3cr3t'))
      }),
      { numRuns: 2000 },
    )
    expect(found.counterexample).toBeNull()
  })
})

describe('the messages around it', () => {
  test('are PostgreSQL’s, byte for byte', () => {
    expect(offerBearer.toString('latin1')).toBe('R\0\0\0\x15\0\0\0\x0aOAUTHBEARER\0\0')
    expect(goOn.toString('latin1')).toBe('R\0\0\0\x08\0\0\0\x0b')
    const said = encodeInvalidToken({
      metadataUrl: 'https://gateway.example:8443/.well-known/openid-configuration',
    })
    expect(said.readInt32BE(1)).toBe(said.length - 1)
    expect([said[0], said.readInt32BE(5)]).toEqual([0x52, 11])
    expect(JSON.parse(said.subarray(9).toString())).toEqual({
      status: 'invalid_token',
      'openid-configuration': 'https://gateway.example:8443/.well-known/openid-configuration',
    })
    expect(JSON.parse(encodeInvalidToken().subarray(9).toString())).toEqual({ status: 'invalid_token' })
  })

  test('take the mechanism that was offered, with something to go with it or without', () => {
    expect(decodeSaslInitial(encodeSaslInitial('OAUTHBEARER', 'n,,'))?.toString()).toBe('n,,')
    const without = encodeSaslInitial('OAUTHBEARER', '')
    without.writeInt32BE(-1, without.length - 4)
    expect(decodeSaslInitial(without)).toBeUndefined()
    expect(decodeSaslResponse(encodeSaslResponse('n,,')).toString()).toBe('n,,')
  })

  test('refuse another mechanism, a wrong length, bytes behind it, and more than 16 KiB', () => {
    const behind = encodeSaslInitial('OAUTHBEARER', 'n,,x')
    behind.writeInt32BE(3, behind.length - 8)
    const negative = encodeSaslInitial('OAUTHBEARER', '')
    negative.writeInt32BE(-2, negative.length - 4)
    for (const frame of [
      encodeSaslInitial('SCRAM-SHA-256', 'n,,'),
      encodeSaslInitial('', ''),
      encodePassword('sp_token'),
      behind,
      negative,
    ])
      expect(codeOf(() => decodeSaslInitial(frame))).toBe('client/malformed')
    const large = 'x'.repeat(maxSaslBytes)
    expect(codeOf(() => decodeSaslInitial(encodeSaslInitial('OAUTHBEARER', large)))).toBe('client/too-large')
    expect(codeOf(() => decodeSaslResponse(encodeSaslResponse(`${large}x`)))).toBe('client/too-large')
  })

  test('take one separator as the answer to an error, and nothing else', () => {
    checkAcknowledged(Buffer.of(1))
    for (const said of ['', '\x00', '\x01\x01', 'n,,\x01auth=\x01\x01'])
      expect(codeOf(() => checkAcknowledged(Buffer.from(said)))).toBe('client/malformed')
  })
})

import { Secret } from '@sallyport/core'
import { expect, test } from 'vitest'
import { HeldIdentity } from './identity.ts'

const named = (certificate: string) => ({ certificate, privateKey: new Secret('k'), authority: 'a' })

test('a new key is shown only when nobody is attaching with the old one any more', async () => {
  const held = new HeldIdentity(named('old'))
  const shown: string[] = []
  const attach = () => {
    const welcome = Promise.withResolvers<void>()
    const attempt = held.attempt(({ certificate }) => {
      shown.push(certificate)
      return { welcomed: welcome.promise }
    })
    return { attempt, welcome }
  }
  const [first, second] = [attach(), attach()]
  await Promise.all([first.attempt, second.attempt])
  held.replace(named('new'))
  const third = attach()
  first.welcome.resolve()
  await new Promise(setImmediate)
  expect(shown).toEqual(['old', 'old'])
  second.welcome.reject(new Error('the gateway went away'))
  await third.attempt
  expect(shown).toEqual(['old', 'old', 'new'])
  third.welcome.resolve()
})

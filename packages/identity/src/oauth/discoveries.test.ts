import { expect, test } from 'vitest'
import { FakeClock } from '@sallyport/core/testing'
import { Discoveries } from './discoveries.ts'

test('an address is told sixty times where to get a token, and once more each second; others are not held up', () => {
  const clock = new FakeClock()
  const discoveries = new Discoveries(clock)
  expect(discoveries.discover('10.0.0.1:1')).toMatchObject({ code: 'unsupported' })
  discoveries.metadataUrl = 'https://gateway.example/.well-known/openid-configuration'
  for (let i = 0; i < 60; i++)
    expect(discoveries.discover(`10.0.0.1:${i}`)).toEqual({ metadataUrl: discoveries.metadataUrl })
  expect(discoveries.discover('10.0.0.1:1')).toMatchObject({
    code: 'throttled',
    next: expect.stringContaining('1 s'),
  })
  expect(discoveries.discover('10.0.0.2:1')).toHaveProperty('metadataUrl')
  clock.advance(1000)
  expect(discoveries.discover('10.0.0.1:1')).toHaveProperty('metadataUrl')
  expect(discoveries.discover('10.0.0.1:1')).toMatchObject({ code: 'throttled' })
})

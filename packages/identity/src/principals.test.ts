import type { User } from '@sallyport/store'
import { expect, test } from 'vitest'
import { principalOf } from './principals.ts'

test.each([
  ['alice', '', 'alice'],
  ['alice', 'Alice', 'alice'],
  ['alice.doe', 'Alice.Doe@acme.example', 'alice.doe (Alice.Doe@acme.example)'],
  ['bob-7312', 'bob', 'bob-7312 (bob)'],
])(
  'whoever is %s, and %o to their provider, is shown as %o: never by a name of somebody else alone',
  (name, displayName, shown) => {
    const user: Partial<User> = { name, displayName, groups: [] }
    expect(principalOf(user as User)).toMatchObject({ id: `user:${name}`, name: shown })
  },
)

import { expect, test } from 'vitest'
import { operation } from '../test/world.ts'
import { blastRadiusOf } from './blast-radius.ts'

const update = operation('update orders set n = 1')
const forever = new AbortController().signal

test('what an operation says of how much it touches is what reviewers are told', async () => {
  const rows = { kind: 'rows', rows: 12 } as const
  expect(await blastRadiusOf({ ...update, blastRadius: () => Promise.resolve(rows) }, forever)).toBe(rows)
  expect(await blastRadiusOf(update, forever)).toBeUndefined()
})

test('an estimate that fails, or never comes, keeps nobody from asking', async () => {
  const failing = { ...update, blastRadius: () => Promise.reject(new Error('hunter2')) }
  expect(await blastRadiusOf(failing, forever)).toEqual({ kind: 'unknown', why: 'the estimate failed' })
  const throwing = {
    ...update,
    blastRadius: () => {
      throw new Error('hunter2')
    },
  }
  expect(await blastRadiusOf(throwing, forever)).toEqual({ kind: 'unknown', why: 'the estimate failed' })
  const hanging = { ...update, blastRadius: () => new Promise<never>(() => undefined) }
  expect(await blastRadiusOf(hanging, AbortSignal.timeout(5))).toMatchObject({ kind: 'unknown' })
  expect(await blastRadiusOf(hanging, AbortSignal.abort())).toMatchObject({ kind: 'unknown' })
})

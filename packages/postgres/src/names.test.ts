import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Names } from './names.ts'

describe('names', () => {
  test('a definition on its way counts beside the confirmed one, once its segment is over', () => {
    const names = new Names<string>()
    names.propose('p', 'old')
    names.confirm('p', 'old')
    names.propose('p', 'new')
    expect(names.candidates('p')).toEqual(['new'])
    names.nextSegment()
    expect(names.candidates('p')).toEqual(['old', 'new'])
    names.reject('p', 'new')
    expect(names.candidates('p')).toEqual(['old'])
  })

  test('a definition that may never run does not replace what was there', () => {
    const names = new Names<string>()
    names.propose('p', 'old')
    names.confirm('p', 'old')
    names.propose('p', 'maybe', false)
    expect(names.candidates('p')).toEqual(['old', 'maybe'])
    names.propose('p', 'new')
    expect(names.candidates('p')).toEqual(['new'])
    names.propose('p', 'perhaps', false)
    expect(names.candidates('p')).toEqual(['new', 'perhaps'])
  })

  test('whatever the server answers, the meaning it holds is among the candidates', () => {
    // The server: takes a name only if it is free, and ignores the rest of a segment after a failure.
    const step = fc.oneof(
      fc.record({ kind: fc.constant('define' as const), meaning: fc.nat(1000) }),
      fc.record({ kind: fc.constant('bind-prepare' as const), meaning: fc.nat(1000), runs: fc.boolean() }),
      fc.record({ kind: fc.constant('sync' as const) }),
      fc.record({ kind: fc.constant('use' as const) }),
      fc.record({ kind: fc.constant('answer' as const) }),
    )
    const found = fc.check(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const names = new Names<{ id: number }>()
        let held: { id: number } | undefined
        let isSkipping = false
        const answers: (() => void)[] = []
        for (const one of steps) {
          if (one.kind === 'answer') answers.shift()?.()
          if (one.kind === 'sync') {
            isSkipping = false
            names.nextSegment()
          }
          if (one.kind === 'define') {
            const meaning = { id: one.meaning }
            names.propose('p', meaning)
            const isTaken = !isSkipping && held === undefined
            if (isTaken) held = meaning
            else isSkipping = true
            answers.push(() => (isTaken ? names.confirm('p', meaning) : names.reject('p', meaning)))
          }
          if (one.kind === 'bind-prepare') {
            const meaning = { id: one.meaning }
            names.propose('p', meaning, false)
            const isTaken = one.runs && !isSkipping && held === undefined
            if (isTaken) held = meaning
            else if (one.runs) isSkipping = true
            answers.push(() => (isTaken ? names.confirm('p', meaning) : names.reject('p', meaning)))
          }
          const isUsed = one.kind === 'use' && !isSkipping && held !== undefined
          if (isUsed && !names.candidates('p').includes(held!)) return false
        }
        return true
      }),
      { numRuns: 2000 },
    )
    expect(found.counterexample).toBeNull()
  })
})

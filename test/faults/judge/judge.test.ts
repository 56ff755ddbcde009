import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../load/ledger.ts'
import { effects, missing } from './effects.ts'
import { endings } from './endings.ts'
import { slowness } from './recovery.ts'
import { verifyRecording } from './verifier.ts'
import { leaked } from './vitals.ts'

const none = new Set<string>()

describe('the judge of faults sees', () => {
  test('an acknowledged write that is lost', () => {
    const ledger = new Ledger()
    ledger.write('op:1.', 2, 'certain')
    expect(effects(ledger, new Map([['op:1.', 2]]))).toEqual([])
    expect(effects(ledger, new Map())).toEqual(['1 operations were acknowledged, and are lost: op:1.'])
  })

  test('a write that was rolled back, and is there', () => {
    const ledger = new Ledger()
    ledger.write('op:1.', 1, 'impossible')
    expect(effects(ledger, new Map())).toEqual([])
    expect(effects(ledger, new Map([['op:1.', 1]]))).toEqual([
      '1 operations were not to happen, and did: op:1.',
    ])
  })

  test.each([1, 3, 4])('%i rows where a copy of 2, never acknowledged, may leave two or none', (rows) => {
    const ledger = new Ledger()
    ledger.write('op:1.', 2, 'possible')
    expect(effects(ledger, new Map())).toEqual([])
    expect(effects(ledger, new Map([['op:1.', 2]]))).toEqual([])
    expect(effects(ledger, new Map([['op:1.', rows]]))).toHaveLength(1)
  })

  test('rows that nobody wrote', () => {
    expect(effects(new Ledger(), new Map([['op:9.', 1]]))).toHaveLength(1)
  })

  test('what reached the target, by its log or by its rows, and is not on record', () => {
    const at = (reached: ReadonlySet<string>, rows: ReadonlyMap<string, number>): string[] =>
      missing(new Ledger(), new Set(['op:1.']), reached, rows)
    expect(at(new Set(['op:1.']), new Map([['op:1.', 1]]))).toEqual([])
    expect(at(new Set(['op:2.']), new Map())).toHaveLength(1)
    expect(at(none, new Map([['op:2.', 1]]))).toHaveLength(1)
  })

  test('a forbidden operation that reached the target', () => {
    const ledger = new Ledger()
    ledger.forbidden.add('op:1.')
    expect(missing(ledger, new Set(['op:1.']), new Set(['op:1.']), new Map())).toHaveLength(1)
  })

  test('its own blindness: an answer of which the target’s log says nothing', () => {
    const ledger = new Ledger()
    ledger.answered.add('op:1.')
    expect(missing(ledger, new Set(['op:1.']), none, new Map())).toHaveLength(1)
  })

  test('sessions that end with unfit words, or with none where somebody was there to say them', () => {
    const ended = (code: string | undefined, isMidMessage = false): Ledger => {
      const ledger = new Ledger()
      ledger.losses.push({ code, words: String(code), isMidMessage })
      return ledger
    }
    expect(endings(ended('08006'), { ends: /^08006$/ })).toEqual([])
    expect(endings(ended(undefined), { isWordless: true })).toEqual([])
    expect(endings(ended(undefined, true), { ends: /^08006$/ })).toEqual([])
    expect(endings(ended('XX000'), { ends: /^08006$/ })).toHaveLength(1)
    expect(endings(ended(undefined), { ends: /^08006$/ })).toHaveLength(1)
    expect(endings(ended('08006'), {})).toHaveLength(1)
    expect(endings(ended(undefined, true), {})).toHaveLength(1)
  })

  test('a slow recovery, and does not blame the product for a core that it was not given', () => {
    expect(slowness({ tookMs: 5_000, waitedMs: 0 })).toEqual([])
    expect(slowness({ tookMs: 9_000, waitedMs: 4_000 })).toEqual([])
    expect(slowness({ tookMs: 9_001, waitedMs: 4_000 })).toHaveLength(1)
  })

  test('descriptors, handles and memory that stay', () => {
    const first = { descriptors: 30, handles: 10, memoryBytes: 100e6, residentBytes: 200e6 }
    expect(leaked('agent', first, first)).toEqual([])
    expect(leaked('agent', first, { ...first, descriptors: 40 })).toHaveLength(1)
    expect(leaked('agent', first, { ...first, handles: 30 })).toHaveLength(1)
    expect(leaked('agent', first, { ...first, memoryBytes: 200e6 })).toHaveLength(1)
  })

  describe('of a recording, every line that', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const sha256 = (line: string): string => createHash('sha256').update(line).digest('base64url')
    const header = '{"recording":"sallyport-recording/1","session":"ses_1","at":1}'
    const first = `{"seq":1,"at":1,"prev":"${sha256(header)}","kind":"opened"}`
    const second = `{"seq":2,"at":2,"prev":"${sha256(first)}","kind":"closed"}`
    const seal = `{"session":"ses_1","state":"closed","events":2,"head":"${sha256(second)}","number":1,"previous":""}`
    const signature = JSON.stringify({
      signature: sign(null, Buffer.from(seal), privateKey).toString('base64url'),
    })
    const lines = [header, first, second, seal, signature]
    const unsound = /is not what followed|not signed|other events/
    const check = (changed: readonly string[]): unknown => verifyRecording(`${changed.join('\n')}\n`, pem)

    test('is there, as it was', () => {
      expect(check(lines)).toMatchObject({ events: [{ kind: 'opened' }, { kind: 'closed' }] })
    })

    test.each(lines.map((_, at) => at))('is missing, or was changed (%i)', (at) => {
      const changed = lines[at]!.replace(/.(?=.{5}$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
      expect(() => check(lines.toSpliced(at, 1))).toThrow(unsound)
      expect(() => check(lines.with(at, changed))).toThrow(unsound)
    })
  })
})

import fc from 'fast-check'
import { factsOf, type OperationId, type Parameter, type ReviewId, type SessionId } from '@sallyport/core'
import { describe, expect, it } from 'vitest'
import { eventLine, headerLine, readEventLine, readHeader, readLink } from './event-line.ts'

const parameter: fc.Arbitrary<Parameter> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.constant(null),
)

describe('an event as a line', () => {
  it('reads back as it was, whatever text and parameters an operation has', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('\ud800 half a pair\n\u2028'))
    fc.assert(
      fc.property(anyText, fc.array(parameter), (text, parameters) => {
        const event = {
          kind: 'operation' as const,
          id: 1 as OperationId,
          text,
          parameters,
          facts: [factsOf({ actions: ['read'], objects: [], exposes: [], context: {} })],
          effect: 'allow' as const,
          policies: ['p'],
        }
        const line = eventLine(event, 7, 1_000, 'before')
        expect(line).not.toContain('\n')
        expect(readLink(line)).toEqual({ seq: 7, prev: 'before' })
        // Through UTF-8 and back, as in a file.
        expect(readEventLine(Buffer.from(line).toString())).toEqual({ ...event, seq: 7, at: 1_000 })
      }),
    )
  })

  it('reads bytes that passed back as they were, and writes them as text where they are text', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(anyBytes, fc.boolean(), (bytes, isOutput) => {
        const id = 3 as OperationId
        const event = isOutput
          ? { kind: 'output' as const, id, stream: 'stderr' as const, bytes }
          : { kind: 'input' as const, id, bytes }
        const line = eventLine(event, 2, 5, 'before')
        expect(line).not.toContain('\n')
        expect(readEventLine(Buffer.from(line).toString())).toEqual({ ...event, seq: 2, at: 5 })
      }),
    )
    const euro = { kind: 'input' as const, id: 1 as OperationId, bytes: Buffer.from('1 €') }
    expect(JSON.parse(eventLine(euro, 1, 0, ''))).toMatchObject({ text: '1 €' })
  })

  it('keeps a text parameter that looks like an encoded one apart from bytes', () => {
    const event = {
      kind: 'operation' as const,
      id: 1 as OperationId,
      text: '',
      parameters: ['{"base64":"AA=="}', Buffer.from([0])],
      facts: [],
      effect: 'deny' as const,
      policies: [],
    }
    expect(readEventLine(eventLine(event, 1, 0, ''))).toMatchObject({ parameters: event.parameters })
  })

  it('is the JSON of its fields in their order, whichever it has', () => {
    const outcome = fc.record(
      {
        status: fc.constantFrom('done' as const, 'failed' as const),
        rows: fc.nat(),
        sizeBytes: fc.nat(),
        maskedValues: fc.nat(),
        maskedColumns: fc.array(fc.string()),
        errorCode: fc.string(),
      },
      { requiredKeys: ['status', 'rows', 'sizeBytes', 'maskedValues', 'maskedColumns'] },
    )
    const fields = fc.record(
      {
        text: fc.string({ unit: 'binary' }),
        parameters: fc.array(fc.option(fc.string())),
        facts: fc.array(
          fc.string().map((path) =>
            factsOf({
              actions: ['read'],
              objects: [{ path: [path], actions: [] }],
              exposes: [],
              context: { path },
            }),
          ),
        ),
        effect: fc.constantFrom('allow' as const, 'deny' as const, 'review' as const),
        policies: fc.array(fc.string()),
        reason: fc.string(),
        review: fc.string().map((text) => text as ReviewId),
      },
      { requiredKeys: ['text', 'parameters', 'facts', 'effect', 'policies'] },
    )
    fc.assert(
      fc.property(outcome, fields, fc.nat(), (how, what, durationMs) => {
        const id = 3 as OperationId
        for (const event of [
          { kind: 'operation' as const, id, ...what },
          { kind: 'result' as const, id, outcome: how, durationMs },
        ]) {
          const whole = JSON.stringify({ seq: 7, at: 9, prev: 'before', ...event })
          // Twice: the second time from what is remembered.
          expect(JSON.parse(eventLine(event, 7, 9, 'before'))).toEqual(JSON.parse(whole))
          expect(eventLine(event, 7, 9, 'before')).toHaveLength(whole.length)
        }
      }),
    )
  })

  it('is an event only with its place and its chain', () => {
    for (const line of ['', '1', 'null', '[]', '{}', '{"seq":"1","prev":""}', '{"seq":1}'])
      expect(readLink(line)).toBeUndefined()
  })

  it('names its session in the header of this format, and in no other', () => {
    const session = 'ses_TEST' as SessionId
    expect(readHeader(headerLine(session, 5))).toBe(session)
    expect(readHeader('{"recording":"sallyport-recording/2","session":"ses_TEST"}')).toBeUndefined()
    expect(readHeader('not json')).toBeUndefined()
  })
})

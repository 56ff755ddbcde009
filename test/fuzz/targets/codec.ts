import { isUtf8 } from 'node:buffer'
import { isDeepStrictEqual } from 'node:util'
import { Fault } from '@sallyport/core'
import * as backend from '../../../packages/postgres/src/codec/backend.ts'
import * as frontend from '../../../packages/postgres/src/codec/frontend.ts'
import { frameLength } from '../../../packages/postgres/src/codec/tags.ts'
import {
  bind,
  closePortal,
  closeStatement,
  cstring,
  describePortal,
  describeStatement,
  execute,
  functionCall,
  int16,
  int32,
  message,
  parse,
} from '../../world/raw-messages.ts'
import { pick, type Random } from '../random.ts'
import { must, type Subject, type Target } from '../target.ts'
import { clientWords, serverWords } from './postgres/words.ts'

/** An input: 0 or 1 for who speaks, then that side's bytes. */
export const target: Target = {
  name: 'codec',
  promise: 'any bytes decode to what encodes to the same again, or end in a fault that blames who sent them',
  unit: 'messages',
  units: { long: 10_000_000, short: 20_000 },
  guide: /packages\/(postgres\/src\/codec|wire\/src)\//,
  maxBytes: 4096,
  slowMs: 200,
  open: () => Promise.resolve(subject),
}

const sides = ['client', 'server'] as const

const subject: Subject = {
  seeds: [...clientWords.map((word) => prefixed(0, word)), ...serverWords.map((word) => prefixed(1, word))],
  words: [...clientWords, ...serverWords],
  invent(random) {
    const side = random.below(2)
    const words = side === 0 ? clientWords : serverWords
    const frames = Array.from({ length: 1 + random.below(20) }, () => pick(random, words))
    return prefixed(side, Buffer.concat(random.below(3) === 0 ? [...frames, noise(random)] : frames))
  },
  run(input) {
    const side = sides[(input[0] ?? 0) & 1]!
    let messages = 0
    try {
      for (let at = 1; at + 5 <= input.length;) {
        const length = frameLength(side, input, at)
        must(length >= 5, () => `a frame of ${length} bytes`)
        if (at + length > input.length) break
        messages++
        const frame = input.subarray(at, at + length)
        if (side === 'client') checkClient(frame, input, at)
        else checkServer(frame, input, at)
        at += length
      }
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown
      const blame = side === 'client' ? 'client/' : 'target/'
      must(thrown.code.startsWith(blame), () => `${thrown.code} for what the ${side} sent`)
    }
    return Math.max(1, messages)
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

function prefixed(side: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(side), bytes])
}

function noise(random: Random): Buffer {
  return random.bytes(random.below(20))
}

/** Decodes a frame where it stands, encodes what came out, and decodes that. */
function same<T>(
  frame: Buffer,
  whole: Buffer,
  at: number,
  decode: (chunk: Buffer, from: number, to: number) => T,
  encode: (value: T) => Buffer | undefined,
): void {
  const value = decode(whole, at, at + frame.length)
  const again = encode(value)
  if (again === undefined) return
  must(
    isDeepStrictEqual(decode(again, 0, again.length), value),
    () => `another meaning after encoding: ${frame.toString('hex')}`,
  )
}

/** Whether it gives the very same bytes. */
function exact(frame: Buffer, again: Buffer): void {
  must(frame.equals(again), () => `${frame.toString('hex')} became ${again.toString('hex')}`)
}

function checkClient(frame: Buffer, whole: Buffer, at: number): void {
  switch (String.fromCharCode(frame[0]!)) {
    case 'Q': {
      const text = frontend.decodeQuery(whole, at, at + frame.length)
      exact(frame, message('Q', text, Buffer.of(0)))
      if (isUtf8(text)) exact(frame, frontend.encodeQuery(text.toString('utf8')))
      return
    }
    case 'P': {
      const { name, text, typeIds } = frontend.decodeParse(whole, at, at + frame.length)
      exact(
        frame,
        message(
          'P',
          cstring(name),
          text,
          Buffer.of(0),
          int16(typeIds.length),
          ...typeIds.map((id) => int32(id | 0)),
        ),
      )
      if (isUtf8(text))
        exact(frame, parse(text.toString('utf8'), { name, types: typeIds.map((id) => id | 0) }))
      return
    }
    case 'B':
      return same(
        frame,
        whole,
        at,
        frontend.decodeBind,
        ({ portal, statement, parameters, resultFormats }) => {
          const formats = parameters.map((value) => (Buffer.isBuffer(value) ? 1 : 0))
          return bind(parameters, {
            portal,
            statement,
            formats,
            results: resultFormats.map((it) => it & 0xffff),
          })
        },
      )
    case 'F':
      return same(frame, whole, at, frontend.decodeFunctionCall, ({ oid, parameters, resultFormat }) =>
        functionCall(oid, parameters, {
          formats: parameters.map((value) => (Buffer.isBuffer(value) ? 1 : 0)),
          result: resultFormat & 0xffff,
        }),
      )
    case 'D':
    case 'C': {
      const { of, name } = frontend.decodeNamed(whole, at, at + frame.length)
      const isDescribe = frame[0] === 0x44
      if (of === 'portal') return exact(frame, isDescribe ? describePortal(name) : closePortal(name))
      return exact(frame, isDescribe ? describeStatement(name) : closeStatement(name))
    }
    case 'E': {
      const said = frontend.decodeExecute(whole, at, at + frame.length)
      exact(frame, execute(said))
      return exact(frame, frontend.encodeExecute(said.portal, said.maxRows))
    }
    case 'p':
      frontend.decodePassword(frame)
  }
}

function checkServer(frame: Buffer, whole: Buffer, at: number): void {
  const to = at + frame.length
  switch (String.fromCharCode(frame[0]!)) {
    case 'T':
      return same(frame, whole, at, backend.decodeRowDescription, (fields) =>
        message(
          'T',
          int16(fields.length),
          ...fields.flatMap(({ name, tableOid, attnum, typeOid, typmod, format }) => [
            cstring(name),
            int32(tableOid | 0),
            int16(attnum & 0xffff),
            int32(typeOid | 0),
            int16(0),
            int32(typmod),
            int16(format & 0xffff),
          ]),
        ),
      )
    case 'E':
    case 'N':
      return same(frame, whole, at, backend.decodeErrorFields, (fields) =>
        backend.encodeErrorFields(frame[0] === 0x45 ? 'error' : 'notice', fields),
      )
    case 'C':
      backend.rowsOf(backend.decodeCommandTag(whole, at, to))
      return
    case 'S':
      return same(frame, whole, at, backend.decodeParameterStatus, ({ name, value }) =>
        message('S', Buffer.from(`${name}\0`, 'latin1'), value, Buffer.from([0])),
      )
    case 'Z':
      return exact(frame, message('Z', Buffer.from(backend.decodeReady(whole, at, to))))
    case 'V':
      return exact(
        frame,
        backend.functionResultOfRow(backend.rowOfFunctionResult(whole, at, at + frame.length)),
      )
    case 'K':
      return exact(frame, backend.encodeBackendKey(backend.decodeBackendKey(frame)))
    case 'G':
    case 'H':
      backend.decodeCopyResponse(whole, at, to)
      return
    case 'R':
      backend.decodeAuthentication(frame)
      return
  }
}

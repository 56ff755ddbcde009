/** What a client says in PostgreSQL's protocol, as bytes. @see https://www.postgresql.org/docs/current/protocol-message-formats.html */

export type Value = string | Uint8Array | null

export const query = (text: string): Buffer => message('Q', cstring(text))
export const sync = (): Buffer => message('S')
export const flush = (): Buffer => message('H')
export const terminate = (): Buffer => message('X')
export const copyData = (bytes: string | Uint8Array): Buffer => message('d', Buffer.from(bytes as string))
export const copyDone = (): Buffer => message('c')
export const copyFail = (reason: string): Buffer => message('f', cstring(reason))
export const describeStatement = (name = ''): Buffer => message('D', Buffer.from('S'), cstring(name))
export const describePortal = (name = ''): Buffer => message('D', Buffer.from('P'), cstring(name))
export const closeStatement = (name = ''): Buffer => message('C', Buffer.from('S'), cstring(name))
export const closePortal = (name = ''): Buffer => message('C', Buffer.from('P'), cstring(name))

export function parse(text: string, options: { name?: string; types?: readonly number[] } = {}): Buffer {
  const types = options.types ?? []
  return message('P', cstring(options.name ?? ''), cstring(text), int16(types.length), ...types.map(int32))
}

/** `formats` and `results`: 0 is text, 1 is binary; none, one for all, or one for each. */
export function bind(
  values: readonly Value[] = [],
  options: {
    portal?: string
    statement?: string
    formats?: readonly number[]
    results?: readonly number[]
  } = {},
): Buffer {
  const results = options.results ?? []
  return message(
    'B',
    cstring(options.portal ?? ''),
    cstring(options.statement ?? ''),
    ...parameters(options.formats, values),
    int16(results.length),
    ...results.map(int16),
  )
}

/** `maxRows` 0: all of them. */
export const execute = (options: { portal?: string; maxRows?: number } = {}): Buffer =>
  message('E', cstring(options.portal ?? ''), int32(options.maxRows ?? 0))

export function functionCall(
  oid: number,
  values: readonly Value[],
  options: { formats?: readonly number[]; result?: number } = {},
): Buffer {
  return message('F', int32(oid | 0), ...parameters(options.formats, values), int16(options.result ?? 0))
}

/** As a Bind and a FunctionCall have them. */
function parameters(formats: readonly number[] = [], values: readonly Value[]): Buffer[] {
  return [int16(formats.length), ...formats.map(int16), int16(values.length), ...values.flatMap(field)]
}

export const password = (body: Uint8Array): Buffer => message('p', body)

export function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)])
  return withLength(Buffer.concat([int32(196_608), ...pairs, Buffer.of(0)]))
}

export const sslRequest = (): Buffer => withLength(int32(80_877_103))

export const cancelRequest = (key: Uint8Array): Buffer => withLength(Buffer.concat([int32(80_877_102), key]))

/** A message of any tag and body: also ones that no client should send. */
export function message(tag: string, ...body: readonly Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from(tag, 'latin1'), withLength(Buffer.concat(body))])
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function withLength(body: Uint8Array): Buffer {
  return Buffer.concat([int32(body.length + 4), body])
}

function field(value: Value): Buffer[] {
  if (value === null) return [int32(-1)]
  const bytes = Buffer.from(value as string)
  return [int32(bytes.length), bytes]
}

import { wordsOf, type RawFrame } from '../../world/raw-postgres.ts'

/** The rows of an answer as texts, in order. */
export function rowsOf(frames: readonly RawFrame[]): (string | null)[][] {
  return frames.filter(({ tag }) => tag === 'D').map(({ body }) => fieldsOfRow(body))
}

function fieldsOfRow(body: Buffer): (string | null)[] {
  const fields: (string | null)[] = []
  let at = 2
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at)
    at += 4
    fields.push(length === -1 ? null : body.toString('utf8', at, at + length))
    if (length > 0) at += length
  }
  return fields
}

/** What a COPY sent out, joined. */
export function copiedOf(frames: readonly RawFrame[]): string {
  return Buffer.concat(frames.filter(({ tag }) => tag === 'd').map(({ body }) => body)).toString()
}

/** `INSERT 0 1`, of each CommandComplete. */
export function commandsOf(frames: readonly RawFrame[]): string[] {
  return frames.filter(({ tag }) => tag === 'C').map(({ body }) => body.toString('utf8', 0, body.length - 1))
}

/** `SQLSTATE message`, of each ErrorResponse. */
export function errorsOf(frames: readonly RawFrame[]): string[] {
  return frames.filter(({ tag }) => tag === 'E').map(wordsOf)
}

/** What was said, turn by turn. As bytes: 0 or 1 for who speaks, three bytes of length, the bytes. */
export interface Turn {
  readonly side: 'client' | 'server'
  readonly bytes: Buffer
}

export function encodeTurns(turns: readonly Turn[]): Buffer {
  return Buffer.concat(
    turns.flatMap(({ side, bytes }) => {
      const head = Buffer.alloc(4)
      head[0] = side === 'client' ? 0 : 1
      head.writeUIntBE(bytes.length, 1, 3)
      return [head, bytes]
    }),
  )
}

/** Any bytes are a transcript: the last turn takes what there is. */
export function decodeTurns(input: Buffer): readonly Turn[] {
  const turns: Turn[] = []
  for (let at = 0; at + 4 <= input.length;) {
    const length = input.readUIntBE(at + 1, 3)
    turns.push({
      side: (input[at]! & 1) === 0 ? 'client' : 'server',
      bytes: input.subarray(at + 4, at + 4 + length),
    })
    at += 4 + length
  }
  return turns
}

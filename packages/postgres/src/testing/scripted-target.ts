import { duplexPair, type Duplex } from 'node:stream'

/** A target that lets everybody in, and answers each query with one row of one column. */
export interface ScriptedTarget {
  /** What was dialled, in order: the gateway's ends. */
  readonly dialled: Duplex[]
  readonly dial: () => Promise<Duplex>
}

/** @param answer the value for a query, or an error with which the connection breaks instead; `undefined` never answers */
export function scriptedTarget(
  answer: (text: string, dial: number) => string | Error | undefined,
): ScriptedTarget {
  const dialled: Duplex[] = []
  return {
    dialled,
    dial() {
      const [near, far] = duplexPair()
      const number = dialled.push(near)
      let greeted = false
      far.on('data', (chunk: Buffer) => {
        if (!greeted) {
          greeted = true
          return void far.write(Buffer.concat([message('R', [0, 0, 0, 0]), ready]))
        }
        if (chunk[0] !== 'Q'.charCodeAt(0)) return
        const value = answer(chunk.toString('utf8', 5, chunk.length - 1), number)
        if (value instanceof Error) near.destroy(value)
        else if (value !== undefined)
          far.write(Buffer.concat([rowOf(value), message('C', [...Buffer.from('SELECT 1\0')]), ready]))
      })
      far.on('error', () => {})
      return Promise.resolve(near)
    },
  }
}

function message(tag: string, body: readonly number[]): Buffer {
  const frame = Buffer.from([tag.charCodeAt(0), 0, 0, 0, 0, ...body])
  frame.writeInt32BE(body.length + 4, 1)
  return frame
}

function rowOf(value: string): Buffer {
  const head = Buffer.alloc(6)
  head.writeUInt16BE(1)
  head.writeInt32BE(Buffer.byteLength(value), 2)
  return message('D', [...head, ...Buffer.from(value)])
}

const ready = message('Z', ['I'.charCodeAt(0)])

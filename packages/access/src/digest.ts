import { hash } from 'node:crypto'
import type { Operation, Parameter, SessionId } from '@sallyport/core'

/** Where an operation would run. */
export interface Place {
  readonly session: SessionId
  readonly resource: string
  readonly account: string
}

/**
 * SHA-256, in hexadecimal, of all that decides what an operation does. Two operations that differ in anything have
 * different digests: every part is written with its form and its length, texts as UTF-16 (in UTF-8 a half of a surrogate
 * pair could not be told from another).
 *
 * @param versions of what it names at the target
 */
export function digestOf(
  operation: Operation,
  { session, resource, account }: Place,
  versions: readonly string[] = [],
): string {
  const parts: Buffer[] = [Buffer.from('sallyport operation 1\n')]
  const add = (form: 't' | 'b' | 'n', bytes: Uint8Array): void => {
    const head = Buffer.alloc(9)
    head.write(form, 'latin1')
    head.writeBigUInt64BE(BigInt(bytes.byteLength), 1)
    parts.push(head, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }
  const addText = (text: string): void => add('t', Buffer.from(text, 'utf16le'))
  const addCount = (count: number): void => addText(String(count))
  const addParameter = (parameter: Parameter): void => {
    if (parameter === null) add('n', Buffer.alloc(0))
    else if (typeof parameter === 'string') addText(parameter)
    else add('b', parameter)
  }
  for (const text of [session, resource, account, operation.text]) addText(text)
  addCount(operation.parameters.length)
  for (const parameter of operation.parameters) addParameter(parameter)
  const binding = operation.binding()
  addCount(binding.length)
  for (const text of binding) addText(text)
  addCount(versions.length)
  for (const text of versions) addText(text)
  return hash('sha256', Buffer.concat(parts), 'hex')
}

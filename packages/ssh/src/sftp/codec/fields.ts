import { Fault, type FaultCode } from '@sallyport/core'
import { Cursor, type Writer } from '@sallyport/wire'
import { attrFlag, knownAttrFlags } from './packets.ts'

/** What is known of a file, or is to become of it. */
export interface Attributes {
  readonly size?: bigint
  readonly owner?: { readonly uid: number; readonly gid: number }
  readonly permissions?: number
  readonly times?: { readonly accessed: number; readonly modified: number }
  readonly extended?: readonly (readonly [name: Buffer, value: Buffer])[]
}

/** The draft's kinds of fields. Every read is a view of the packet. */
export class Fields extends Cursor {
  readonly #blame: FaultCode

  constructor(packet: Buffer, from: number, to: number, blame: FaultCode) {
    super(packet, from, to, blame)
    this.#blame = blame
  }

  string(): Buffer {
    return this.take(this.uint32())
  }

  uint64(): bigint {
    return this.take(8).readBigUInt64BE()
  }

  attributes(): Attributes {
    const flags = this.uint32()
    if ((flags & ~knownAttrFlags) !== 0) {
      throw new Fault(
        this.#blame,
        `attributes with flags 0x${flags.toString(16)}, which version 3 does not have`,
      )
    }
    const has = (flag: number): boolean => (flags & flag) !== 0
    return {
      ...(has(attrFlag.size) && { size: this.uint64() }),
      ...(has(attrFlag.owner) && { owner: { uid: this.uint32(), gid: this.uint32() } }),
      ...(has(attrFlag.permissions) && { permissions: this.uint32() }),
      ...(has(attrFlag.times) && { times: { accessed: this.uint32(), modified: this.uint32() } }),
      ...(has(attrFlag.extended) && { extended: this.#pairs(this.uint32()) }),
    }
  }

  /** To the end. */
  pairs(): readonly (readonly [name: Buffer, value: Buffer])[] {
    const pairs: [Buffer, Buffer][] = []
    while (this.left > 0) pairs.push([this.string(), this.string()])
    return pairs
  }

  #pairs(count: number): readonly (readonly [name: Buffer, value: Buffer])[] {
    if (count * 8 > this.left) throw new Fault(this.#blame, `${count} attributes in ${this.left} bytes`)
    return Array.from({ length: count }, () => [this.string(), this.string()] as const)
  }
}

export function writeString(writer: Writer, bytes: Uint8Array): Writer {
  return writer.int32(bytes.length).bytes(bytes)
}

/** A packet of which all but its length was written, behind four bytes for that. */
export function packetOf(writer: Writer): Buffer {
  return writer.int32At(0, writer.length - 4).done()
}

/** What the first bytes of a TLS connection say; `more`: they are too few to tell. */
export type Greeting =
  | { readonly kind: 'more' | 'not-tls' }
  | { readonly kind: 'hello'; readonly serverName: string | undefined }

/**
 * The server name (RFC 6066 §3) that a TLS client asks for in its ClientHello (RFC 8446 §4.1.2), which may come in several records
 * (§5.1). Nothing is decided by it but which process goes on to speak TLS.
 */
export function readGreeting(bytes: Buffer): Greeting {
  const fragments: Buffer[] = []
  let have = 0
  let want = handshakeHead
  for (let at = 0; have < want;) {
    if (at < bytes.length && bytes[at] !== handshakeRecord) return notTls
    if (bytes.length < at + recordHead) return more
    const end = at + recordHead + bytes.readUInt16BE(at + 3)
    const fragment = bytes.subarray(at + recordHead, end)
    fragments.push(fragment)
    have += fragment.length
    if (have >= handshakeHead) {
      const head = Buffer.concat(fragments)
      if (head[0] !== clientHello) return notTls
      want = handshakeHead + head.readUIntBE(1, 3)
    }
    if (bytes.length < end && have < want) return more
    at = end
  }
  try {
    return { kind: 'hello', serverName: serverNameOf(Buffer.concat(fragments).subarray(handshakeHead, want)) }
  } catch (thrown) {
    // A length that points past the end: whoever speaks TLS with it will say so.
    if (thrown instanceof RangeError) return notTls
    throw thrown
  }
}

/** @throws RangeError where it is cut off within itself */
function serverNameOf(hello: Buffer): string | undefined {
  let at = 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  if (at === hello.length) return undefined
  const end = at + 2 + hello.readUInt16BE(at)
  for (at += 2; at < end;) {
    const type = hello.readUInt16BE(at)
    const length = hello.readUInt16BE(at + 2)
    if (type === serverNameExtension) return hostNameIn(hello, at + 4)
    at += 4 + length
  }
  return undefined
}

/** The first entry of a server name list, which must be a host name: there is no other kind. */
function hostNameIn(hello: Buffer, at: number): string | undefined {
  if (hello.readUInt8(at + 2) !== 0) return undefined
  const length = hello.readUInt16BE(at + 3)
  const start = at + 5
  if (start + length > hello.length) throw new RangeError('the name is longer than what holds it')
  return hello.toString('latin1', start, start + length)
}

const more = { kind: 'more' } as const
const notTls = { kind: 'not-tls' } as const
const recordHead = 5
const handshakeRecord = 22
const handshakeHead = 4
const clientHello = 1
const serverNameExtension = 0

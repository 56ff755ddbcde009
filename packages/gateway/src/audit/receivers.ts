import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { syslogMessages, type AuditEntry } from '@sallyport/core'

/** Where the audit log goes to. */
export interface AuditReceiver extends AsyncDisposable {
  /** By which it is remembered how far it has come: another address is another receiver. */
  readonly name: string
  /** How many entries are sent once more after something went wrong, since nobody says what had arrived. */
  readonly overlap: number
  /** Whether a connection was lost since they were taken last: nobody says what of them has arrived. */
  readonly isCutOff: () => boolean
  /** Rejects where they may not have arrived. */
  take(entries: readonly AuditEntry[], signal: AbortSignal): Promise<void>
}

/** Appends to a file, an entry a line, each on the disk before it counts. It is opened anew each time, and so may be moved away. */
export function fileReceiver(path: string): AuditReceiver {
  let isWhole = false
  return {
    name: `file:${path}`,
    overlap: 0,
    isCutOff: () => false,
    async take(entries) {
      if (!isWhole) await cutTorn(path)
      // Until it is known to be: a disk that is full has room for half a line.
      isWhole = false
      await using file = await open(path, 'a', 0o600)
      await file.appendFile(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
      await file.datasync()
      isWhole = true
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** A line that was being written when the gateway died, or the disk failed, is written again. */
async function cutTorn(path: string): Promise<void> {
  await using file = await open(path, 'a+', 0o600)
  const { size } = await file.stat()
  const from = Math.max(0, size - maxTornBytes)
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - from), position: from })
  const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1
  if (end > 0 || from === 0) await file.truncate(from + end)
}

export interface SyslogAddress {
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
  /** PEM, where the system does not know who signs the receiver's certificate. */
  readonly certificateAuthority?: string | undefined
}

/** @param host by what name messages say that they are ours */
export function syslogReceiver(to: SyslogAddress, host: string): AuditReceiver {
  return to.transport === 'udp' ? datagrams(to, host) : stream(to, host)
}

/** RFC 5426: one message a datagram, and nobody knows which arrive. */
function datagrams(to: SyslogAddress, host: string): AuditReceiver {
  const socket = createSocket(to.host.includes(':') ? 'udp6' : 'udp4').unref()
  socket.on('error', () => undefined)
  return {
    name: nameOf(to),
    overlap: 0,
    isCutOff: () => false,
    async take(entries) {
      for (const entry of entries)
        for (const message of syslogMessages(entry, { host, maxCharacters: 1000 }))
          await new Promise<void>((resolve, reject) => {
            socket.send(message, to.port, to.host, (error) => (error === null ? resolve() : reject(error)))
          })
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

/** RFC 5425, and the same without TLS: octets counted before each message (RFC 6587 section 3.4.1), over one connection. */
function stream(to: SyslogAddress, host: string): AuditReceiver {
  let open: Socket | undefined
  const close = (): void => {
    open?.destroy()
    open = undefined
  }
  return {
    name: nameOf(to),
    overlap: 1000,
    isCutOff: () => open?.destroyed === true,
    async take(entries, signal) {
      const giveUp = AbortSignal.any([signal, AbortSignal.timeout(takeMs)])
      try {
        if (open?.destroyed === true) open = undefined
        const socket = (open ??= await connected(to, giveUp))
        const messages = entries.flatMap((entry) => syslogMessages(entry, { host, maxCharacters: 4000 }))
        const framed = messages.map((message) => `${Buffer.byteLength(message)} ${message}`).join('')
        await written(socket, framed, giveUp)
      } catch (thrown) {
        close()
        throw thrown
      }
    },
    [Symbol.asyncDispose]: async () => {
      const socket = open
      open = undefined
      if (socket === undefined || socket.destroyed) return
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
      socket.end()
      await closed
      socket.destroy()
    },
  }
}

async function connected(
  { transport, host, port, certificateAuthority: ca }: SyslogAddress,
  signal: AbortSignal,
): Promise<Socket> {
  const socket =
    transport === 'tls'
      ? connectTls({ host, port, ...(ca !== undefined && { ca }), minVersion: 'TLSv1.2' })
      : connectTcp({ host, port })
  socket.setKeepAlive(true, 30_000)
  // It says nothing; what it says is not waited for, and its end is noticed.
  socket.resume()
  socket.on('error', () => socket.destroy())
  try {
    await once(socket, transport === 'tls' ? 'secureConnect' : 'connect', { signal })
    return socket
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
}

/** Resolves when the system has taken all of it. */
function written(socket: Socket, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (): void => done(new Error('the connection was lost'))
    const done = (error?: Error | null): void => {
      signal.removeEventListener('abort', failed)
      socket.removeListener('close', failed)
      if (error === undefined || error === null) resolve()
      else reject(error)
    }
    if (socket.destroyed || !socket.writable) return done(new Error('the connection was closed'))
    signal.addEventListener('abort', failed, { once: true })
    socket.once('close', failed)
    socket.write(text, done)
  })
}

function nameOf({ transport, host, port }: SyslogAddress): string {
  return `syslog:${transport}://${host}:${port}`
}

const maxTornBytes = 16 * 1024 * 1024
/** For a connection and a batch. */
const takeMs = 30_000

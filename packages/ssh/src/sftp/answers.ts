import { Fault } from '@sallyport/core'
import type { Outboxes } from '@sallyport/wire'
import { headBytes, status, type, version } from './codec/packets.ts'
import {
  clampLimits,
  decodeResponse,
  decodeVersion,
  encodeVersion,
  type Response,
} from './codec/responses.ts'
import { mostHandles, OpenHandle } from './handles.ts'
import type { Answer, Ledger, Owed } from './ledger.ts'
import type { Fate, PacketJudge } from './packet-stream.ts'
import { realPathOf } from './resolution.ts'

/** Reads what the target answers, and finds what it is about. */
export class Answers implements PacketJudge {
  readonly #ledger: Ledger
  readonly #out: Outboxes
  /** The read whose content passes. */
  #reading: OpenHandle | undefined
  contentAt = 0

  constructor(ledger: Ledger, out: Outboxes) {
    this.#ledger = ledger
    this.#out = out
  }

  // hot path: DATA is judged by its head.
  needed(chunk: Buffer, at: number, _have: number, length: number): number {
    return chunk[at + 4] === type.data ? Math.min(length, headBytes + 4) : length
  }

  judge(chunk: Buffer, at: number, length: number): Fate {
    this.contentAt = 0
    const { phase, owed } = this.#ledger
    const kind = chunk[at + 4]!
    if (phase === 'new') throw new Fault('target/malformed', 'the target spoke before it was asked')
    if (phase === 'greeting') return this.#greet(chunk, at, length)
    const id = chunk.readUInt32BE(at + 5)
    const about = owed.get(id)
    if (about === undefined)
      throw new Fault('target/malformed', `the target answered ${id}, which was not asked`)
    owed.delete(id)
    if (kind === type.data) return this.#data(about, chunk, at, length)
    const response = decodeResponse(chunk, at, at + length)
    check(about, response)
    return this.#answered(about, response, id, length)
  }

  content(chunk: Buffer, from: number, to: number): void {
    this.#reading?.download?.data(chunk, from, to)
  }

  packetOver(): void {
    const handle = this.#reading
    if (handle === undefined) return
    this.#reading = undefined
    handle.download?.pieceOver()
    this.#over(handle)
  }

  /** VERSION passes with what is judged here alone. Meanwhile the target is asked where relative paths begin. */
  #greet(chunk: Buffer, at: number, length: number): Fate {
    if (chunk[at + 4] !== type.version)
      throw new Fault('target/malformed', 'the target did not begin with VERSION')
    const reply = decodeVersion(chunk, at, at + length)
    if (reply.version !== version) {
      throw new Fault(
        'target/malformed',
        `the target speaks SFTP version ${reply.version}: only ${version} is spoken`,
      )
    }
    const ledger = this.#ledger
    ledger.isOpenSsh = reply.extensions.some(([name]) => name.toString('latin1').endsWith('@openssh.com'))
    this.#out.client.put(encodeVersion(reply.extensions))
    ledger.phase = 'asking-home'
    const question = ledger.ask(type.realpath, here, (response) => {
      if (response.is !== 'status') ledger.home = realPathOf(response)
      ledger.phase = 'open'
    })
    this.#out.server.put(question)
    return 'drop'
  }

  #data(about: Owed, chunk: Buffer, at: number, length: number): Fate {
    const size = chunk.readUInt32BE(at + headBytes)
    const isRead = about.is === 'read'
    if (!isRead || length !== headBytes + 4 + size || size > about.length) {
      throw new Fault('target/malformed', 'the target sent data that was not asked for')
    }
    about.handle.wasRead()
    about.handle.download?.begin(about.offset, size)
    this.#reading = about.handle
    this.contentAt = headBytes + 4
    return 'pass'
  }

  #answered(about: Owed, response: Response, id: number, length: number): Fate {
    const ledger = this.#ledger
    const code = response.is === 'status' ? response.code : undefined
    switch (about.is) {
      case 'own':
        about.answered(response)
        return 'drop'
      case 'limits':
        if (response.is !== 'extended-reply') return 'pass'
        this.#out.client.put(clampLimits(id, response.fields, mostHandles))
        return 'drop'
      case 'read':
        if (code === status.eof) about.handle.download?.endsAt(about.offset)
        else about.handle.download?.failed()
        about.handle.wasRead()
        break
      case 'write':
        if (code !== status.ok) about.handle.upload?.failed()
        break
      case 'fsync':
        if (code !== status.ok) about.handle.upload?.failed()
        break
      case 'readdir':
        if (response.is === 'name') about.handle.listed(response.names.length, length)
        break
      case 'close':
        about.handle.closed(code ?? status.failure)
        ledger.settleHandle(about.handle)
        return 'pass'
      case 'operation':
        this.#operationDone(about, response, length)
        return 'pass'
    }
    this.#over(about.handle)
    return 'pass'
  }

  #over(handle: OpenHandle): void {
    handle.inFlight--
    this.#ledger.settleHandle(handle)
  }

  #operationDone(about: Extract<Owed, { is: 'operation' }>, response: Response, length: number): void {
    const ledger = this.#ledger
    const { opens, operation, permit, handle, resized } = about
    if (opens !== undefined) ledger.opening--
    if (response.is === 'handle') {
      if (opens === undefined || ledger.handles.has(response.handle)) {
        throw new Fault('target/malformed', 'the target gave the same handle twice')
      }
      ledger.handles.set(
        response.handle,
        new OpenHandle({ operation, permit, path: opens.path, opens: opens.what }),
      )
      return
    }
    if (response.is === 'attrs' && handle !== undefined) {
      // Files of the kernel say that they have nothing in them.
      const { size } = response.attributes
      if (size !== undefined && size > 0n) handle.download?.endsAt(Number(size))
    }
    if (response.is !== 'status') return ledger.finish(permit, undefined, length)
    if (response.code === status.ok) return ledger.finish(permit, undefined)
    resized?.upload?.failed()
    ledger.finish(permit, response.code)
  }
}

const answers: Readonly<Record<Exclude<Owed['is'], 'operation' | 'own'>, Answer>> = {
  read: 'status',
  write: 'status',
  fsync: 'status',
  close: 'status',
  readdir: 'name',
  limits: 'extended-reply',
}

/** An answer fits what it answers: anything but a status is what was asked for, and only where nothing is, OK is an answer. */
function check(about: Owed, response: Response): void {
  const due = about.is === 'operation' ? about.answer : about.is === 'own' ? 'name' : answers[about.is]
  const isOk = response.is === 'status' && response.code === status.ok
  const fits = response.is === due ? !(isOk && about.is === 'read') : response.is === 'status' && !isOk
  if (!fits)
    throw new Fault('target/malformed', `the target answered with ${response.is} where ${due} was due`)
}

const here = Buffer.from('.')

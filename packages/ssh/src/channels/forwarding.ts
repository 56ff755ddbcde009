import { isRefusal, type Outcome, type Permit, type Refusal } from '@sallyport/core'
import type { Channel } from '../connection/channel.ts'
import {
  NotOpened,
  type GlobalRequest,
  type OpenRequest,
  type SshConnection,
} from '../connection/connection.ts'
import { openFailure, type Field, type Fields } from '../connection/messages.ts'
import { maxForwardChannels, maxRemoteForwards } from '../limits.ts'
import { wordsInOne } from '../wording.ts'
import { readForwardOpen, readForwardRequest, type Forward } from './forwards.ts'
import type { ChannelHost } from './host.ts'
import { join, type Joint } from './joint.ts'

/** Something at the target that leads to the client, while it does. */
interface RemoteForward {
  readonly permit: Permit
  readonly facts: Forward['facts']
  /** What the target calls it when it sends something back: {@link placeOf}. */
  readonly place: string
}

/** Channels that the target may open by itself, and what of the client's they lead to. */
const openedByTarget = {
  'forwarded-tcpip': 'remote',
  'forwarded-streamlocal@openssh.com': 'remote',
  x11: 'forward-x11',
  'auth-agent@openssh.com': 'forward-agent',
} as const

/** All connections of a visit that are carried beside what runs: each is asked about, and each in its own channel. */
export class Forwarding {
  readonly #ssh: SshConnection
  readonly #host: ChannelHost
  /** By what was asked for. */
  readonly #remote = new Map<string, RemoteForward>()
  /** Those that are being asked about, or set up. */
  #listening = 0
  /** What of the client's the target may come back to. */
  readonly #mayReach = new Set<'forward-x11' | 'forward-agent'>()
  readonly #joints = new Set<Joint>()
  #channels = 0
  #bytesUp = 0
  #bytesDown = 0

  constructor(ssh: SshConnection, host: ChannelHost) {
    this.#ssh = ssh
    this.#host = host
  }

  get bytesUp(): number {
    return [...this.#joints].reduce((sum, each) => sum + each.bytesUp, this.#bytesUp)
  }

  get bytesDown(): number {
    return [...this.#joints].reduce((sum, each) => sum + each.bytesDown, this.#bytesDown)
  }

  /** A channel that the client wants to open. @returns false where it is none of these */
  open(request: OpenRequest): boolean {
    const forward = readForwardOpen(request.type, request.data)
    if (forward === undefined) return false
    if (this.#channels >= maxForwardChannels) {
      request.refuse(openFailure.resourceShortage, `no more than ${maxForwardChannels} forwarded connections`)
      return true
    }
    this.#channels++
    this.#connect(request, forward).catch((thrown: unknown) => this.#host.broke(thrown))
    return true
  }

  /** Something that the client asks of its connection. @returns false where it is none of these */
  request(request: GlobalRequest): boolean {
    const { name, data } = request
    if (name === 'cancel-tcpip-forward' || name === 'cancel-streamlocal-forward@openssh.com') {
      this.#cancel(request).catch((thrown: unknown) => this.#host.broke(thrown))
      return true
    }
    const forward = readForwardRequest(name, data)
    if (forward === undefined) return false
    this.#listen(request, forward).catch((thrown: unknown) => this.#host.broke(thrown))
    return true
  }

  /** The target may open channels to what the client offers. */
  allow(what: 'forward-x11' | 'forward-agent'): void {
    this.#mayReach.add(what)
  }

  /** A channel that the target wants to open: judged a turn later, since it may come with the very answer by which it may. */
  openedByTarget(request: OpenRequest): void {
    setImmediate(() => {
      try {
        this.#openFor(request)
      } catch (thrown) {
        // Nobody else would catch it: it would end the gateway, not this visit.
        this.#host.broke(thrown)
      }
    })
  }

  #openFor({ type, data, accept, refuse }: OpenRequest): void {
    const what = Object.hasOwn(openedByTarget, type)
      ? openedByTarget[type as keyof typeof openedByTarget]
      : undefined
    const said = data.rest()
    const isAllowed =
      what !== undefined && (what === 'remote' ? this.#leadsBack(type, data) : this.#mayReach.has(what))
    if (!isAllowed || this.#channels >= maxForwardChannels)
      return refuse(openFailure.administrativelyProhibited, 'nobody asked for it')
    this.#channels++
    const joined = this.#ssh.openRaw(type, said).then(
      (client) => this.#join(client, accept(), () => undefined),
      (thrown: unknown) => {
        this.#channels--
        const { reason, words } = thrown instanceof NotOpened ? thrown : unreachable
        refuse(reason, words)
      },
    )
    // Of whoever names sizes that no channel has.
    joined.catch((thrown: unknown) => this.#host.broke(thrown))
  }

  /** Whether somebody asked for just this, and policy permits it still. */
  #leadsBack(type: string, data: Fields): boolean {
    const first = data.string()
    const place = placeOf(type === 'forwarded-tcpip' ? data.number() : first)
    return [...this.#remote.values()].some(
      (each) => each.place === place && this.#host.stands(each.permit, each.facts),
    )
  }

  /** Everything that still leads to the client is over. */
  end(): void {
    for (const { permit } of this.#remote.values()) this.#host.finish(permit, outcome('done', 0))
    this.#remote.clear()
  }

  async #connect({ accept, refuse }: OpenRequest, forward: Forward): Promise<void> {
    const target = await this.#host.target
    const answer = await this.#authorize(forward)
    if (isRefusal(answer)) {
      this.#channels--
      return refuse(openFailure.administrativelyProhibited, wordsInOne(answer))
    }
    this.#host.commit()
    let channel: Channel
    try {
      channel = await target.ssh.open(forward.type, forward.fields)
    } catch (thrown) {
      this.#channels--
      const { reason, words } = thrown instanceof NotOpened ? thrown : unreachable
      this.#host.finish(answer, { ...outcome('failed', 0), errorCode: `open ${reason}` })
      return refuse(reason, words)
    }
    this.#join(accept(), channel, ({ bytesDown }) => this.#host.finish(answer, outcome('done', bytesDown)))
  }

  #join(client: Channel, target: Channel, over: (joint: Joint) => void): void {
    this.#joints.add(
      join(client, target, (joint) => {
        this.#channels--
        this.#joints.delete(joint)
        this.#bytesUp += joint.bytesUp
        this.#bytesDown += joint.bytesDown
        over(joint)
      }),
    )
  }

  async #listen(request: GlobalRequest, forward: Forward): Promise<void> {
    // At once: who wants no answer asks without waiting for one.
    if (this.#remote.size + this.#listening >= maxRemoteForwards) return request.reply(false)
    this.#listening++
    try {
      await this.#listenAtTarget(request, forward)
    } finally {
      this.#listening--
    }
  }

  async #listenAtTarget({ reply }: GlobalRequest, forward: Forward): Promise<void> {
    const target = await this.#host.target
    const answer = await this.#authorize(forward)
    if (isRefusal(answer)) return reply(false)
    this.#host.commit()
    const done = await target.ssh.ask(forward.type, forward.fields)
    if (done === undefined) {
      this.#host.finish(answer, outcome('failed', 0))
      return reply(false)
    }
    const chosen = done.rest()
    const [address, port] = forward.fields
    // Where the target chose the port, that is what it is cancelled by.
    const isChosen = port === 0 && chosen.length === 4
    const fields = isChosen ? [address!, chosen.readUInt32BE(0)] : forward.fields
    this.#remote.set(keyOf(forward.type, fields), {
      permit: answer,
      facts: forward.facts,
      place: placeOf(fields[1] ?? fields[0]!),
    })
    reply(isChosen ? [chosen.readUInt32BE(0)] : [])
  }

  async #cancel({ name, data, reply }: GlobalRequest): Promise<void> {
    const type = name.slice('cancel-'.length)
    const forward = readForwardRequest(type, data)
    const key = keyOf(type, forward?.fields ?? [])
    const known = this.#remote.get(key)
    if (forward === undefined || known === undefined) return reply(false)
    this.#remote.delete(key)
    const target = await this.#host.target
    const done = await target.ssh.ask(name, forward.fields)
    this.#host.finish(known.permit, outcome('done', 0))
    reply(done === undefined ? false : [])
  }

  /** A channel that is not open yet shows nothing of what it waits for: that is said elsewhere, for as long as it waits. */
  async #authorize({ operation, facts }: Forward): Promise<Permit | Refusal> {
    const decided = new AbortController()
    const tell = (notice: string): void => this.#host.announce(`${operation.text}: ${notice}`, decided.signal)
    try {
      return await this.#host.authorize(operation, facts, tell, this.#host.gone)
    } finally {
      decided.abort()
    }
  }
}

const unreachable = { reason: openFailure.connectFailed, words: 'the other side is gone' }

function outcome(status: Outcome['status'], sizeBytes: number): Outcome {
  return { status, rows: 0, sizeBytes, maskedValues: 0, maskedColumns: [] }
}

/** A port, or a socket's path: servers differ in what they call the address, and none in these. */
function placeOf(field: Field): string {
  return field instanceof Uint8Array ? `socket ${Buffer.from(field).toString('hex')}` : `port ${field}`
}

function keyOf(type: string, fields: Forward['fields']): string {
  return [
    type,
    ...fields.map((field) => (field instanceof Uint8Array ? Buffer.from(field).toString('hex') : field)),
  ].join(' ')
}

import type { Facts, Operation } from '@sallyport/core'
import type { Field, Fields } from '../connection/messages.ts'
import { factsOfForward, type ForwardRequest } from '../facts/forwards.ts'
import { shownCommand } from '../facts/shown.ts'

/** A connection that somebody wants to have carried, and what is asked about it. */
export interface Forward {
  readonly operation: Operation
  readonly facts: readonly Facts[]
  /** What is asked of the other side for it: a channel's type or a request's name, and its fields. */
  readonly type: string
  readonly fields: readonly Field[]
}

/** A connection that the target is to make: RFC 4254 section 7.2, OpenSSH's PROTOCOL 2.4. @throws Fault client/malformed */
export function readForwardOpen(type: string, data: Fields): Forward | undefined {
  switch (type) {
    case 'direct-tcpip': {
      const host = data.string()
      const port = data.number()
      const fields = [host, port, data.string(), data.number()]
      const request: ForwardRequest = { kind: 'forward-local', host: host.toString('latin1'), port }
      return forward(type, fields, request, `connect from the target to ${shownCommand(host)} port ${port}`)
    }
    case 'direct-streamlocal@openssh.com': {
      const path = data.string()
      const fields = [path, data.string(), data.number()]
      const request: ForwardRequest = { kind: 'forward-socket', path }
      return forward(type, fields, request, `connect to the socket ${shownCommand(path)} at the target`)
    }
    default:
      return undefined
  }
}

/** Something at the target that is to lead to the client: RFC 4254 section 7.1. @throws Fault client/malformed */
export function readForwardRequest(name: string, data: Fields): Forward | undefined {
  switch (name) {
    case 'tcpip-forward': {
      const host = data.string()
      const port = data.number()
      const request: ForwardRequest = { kind: 'forward-remote', host: host.toString('latin1'), port }
      return forward(
        name,
        [host, port],
        request,
        `listen at the target on ${shownCommand(host)} port ${port}`,
      )
    }
    case 'streamlocal-forward@openssh.com': {
      const path = data.string()
      const request: ForwardRequest = { kind: 'forward-remote-socket', path }
      return forward(name, [path], request, `listen at the target on the socket ${shownCommand(path)}`)
    }
    default:
      return undefined
  }
}

/** What a session channel asks for beside its program. */
export function forwardOfClient(kind: 'forward-x11' | 'forward-agent'): Pick<Forward, 'operation' | 'facts'> {
  return forward('', [], { kind }, kind === 'forward-x11' ? 'forward X11' : 'forward the agent')
}

function forward(type: string, fields: readonly Field[], request: ForwardRequest, text: string): Forward {
  return {
    // What is carried beside a program has nobody who could see that it waits.
    operation: { text, parameters: [], binding: () => fields.map(inWords), cannotPause: true },
    facts: [factsOfForward(request)],
    type,
    fields,
  }
}

function inWords(field: Field): string {
  return field instanceof Uint8Array ? Buffer.from(field).toString('hex') : String(field)
}

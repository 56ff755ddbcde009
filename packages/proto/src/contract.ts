import type { DescService } from '@bufbuild/protobuf'
import type { Enrolment as GeneratedEnrolment } from './gen/sallyport/tunnel/v1/enrolment_pb.ts'
import type { Tunnel as GeneratedTunnel } from './gen/sallyport/tunnel/v1/tunnel_pb.ts'
import type { Field, MessageTable, ScalarType } from './message.ts'

/** A service as it is served and called; its types are those of `S`, which protobuf-es generated. */
export interface Service<S extends DescService> {
  readonly typeName: string
  readonly method: { readonly [K in keyof S['method']]: Method }
  /** For the types alone: never there. */
  readonly generated?: S
}

export interface Method {
  readonly name: string
  readonly kind: 'unary' | 'bidi_streaming'
  readonly input: MessageTable
  readonly output: MessageTable
}

type Types = Readonly<Record<string, readonly [number: number, type: ScalarType | MessageTable]>>

function message(name: string, types: Types): MessageTable {
  const fields = Object.entries(types).map(([field, [number, type]]): Field => ({
    number,
    name: field,
    type,
  }))
  return { name: `sallyport.tunnel.v1.${name}`, fields }
}

/** A message that also has a oneof. */
function choice(name: string, oneof: string, cases: Types, types: Types = {}): MessageTable {
  const plain = message(name, types)
  const chosen = message(name, cases).fields.map((field): Field => ({ ...field, oneof }))
  return { ...plain, fields: [...plain.fields, ...chosen] }
}

const fin = message('Fin', {})
const reset = message('Reset', { failure: [1, 'enum'] })
/** One frame of a carried connection. */
export const chunk = choice('Chunk', 'frame', {
  data: [1, 'bytes'],
  fin: [2, fin],
  reset: [3, reset],
  ticket: [4, 'bytes'],
})

const drain = message('Drain', {})
const credential: MessageTable = {
  name: 'sallyport.tunnel.v1.Credential',
  fields: [
    { number: 1, name: 'user', type: 'string' },
    { number: 2, name: 'password', type: 'string', isOptional: true },
  ],
}
const agentEvent = choice('AgentEvent', 'event', {
  hello: [1, message('Hello', { instance: [1, 'bytes'], version: [2, 'string'] })],
  pong: [2, message('Pong', { id: [1, 'uint64'] })],
  dialFailed: [3, message('DialFailed', { ticket: [1, 'bytes'], failure: [2, 'enum'] })],
  credential: [
    4,
    choice(
      'CredentialAnswer',
      'answer',
      { credential: [2, credential], failure: [3, 'enum'] },
      { id: [1, 'uint64'] },
    ),
  ],
  drain: [5, drain],
})

const gatewayCommand = choice('GatewayCommand', 'command', {
  welcome: [
    1,
    message('Welcome', { pingIntervalMs: [1, 'uint32'], process: [2, 'uint32'], processes: [3, 'uint32'] }),
  ],
  ping: [2, message('Ping', { id: [1, 'uint64'] })],
  dial: [
    3,
    message('Dial', {
      ticket: [1, 'bytes'],
      resource: [2, 'string'],
      session: [3, 'string'],
      host: [4, 'string'],
      port: [5, 'uint32'],
      timeoutMs: [6, 'uint32'],
    }),
  ],
  credential: [
    4,
    message('CredentialRequest', {
      id: [1, 'uint64'],
      name: [2, 'string'],
      resource: [3, 'string'],
      session: [4, 'string'],
    }),
  ],
  drain: [5, drain],
})

export const Tunnel: Service<typeof GeneratedTunnel> = {
  typeName: 'sallyport.tunnel.v1.Tunnel',
  method: {
    attach: { name: 'Attach', kind: 'bidi_streaming', input: agentEvent, output: gatewayCommand },
    carry: { name: 'Carry', kind: 'bidi_streaming', input: chunk, output: chunk },
  },
}

const certificate = message('Certificate', { certificate: [1, 'string'], authority: [2, 'string'] })

export const Enrolment: Service<typeof GeneratedEnrolment> = {
  typeName: 'sallyport.tunnel.v1.Enrolment',
  method: {
    enroll: {
      name: 'Enroll',
      kind: 'unary',
      input: message('EnrollRequest', {
        token: [1, 'string'],
        certificateRequest: [2, 'bytes'],
        name: [3, 'string'],
      }),
      output: certificate,
    },
    renew: {
      name: 'Renew',
      kind: 'unary',
      input: message('RenewRequest', { certificateRequest: [1, 'bytes'] }),
      output: certificate,
    },
  },
}

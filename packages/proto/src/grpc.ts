import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  makeGenericClientConstructor,
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ChannelCredentials,
  type ClientUnaryCall,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type Server,
  type ServiceDefinition,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Method, Service } from './contract.ts'
import { decodeMessage, encodeMessage, type MessageTable } from './message.ts'

/** Another way to write and read a method's messages, both directions: for hot methods. Must give the same wire bytes. */
export interface Codec<T> {
  readonly encode: (value: T) => Buffer
  /** Throws for bytes that are no such message; the call then fails. */
  readonly decode: (bytes: Buffer) => T
}

/** A codec of whatever type: the widest that any `Codec<T>` fits in. */
interface SomeCodec {
  readonly encode: (value: never) => Buffer
  readonly decode: (bytes: Buffer) => unknown
}

/** Codecs by method name. A method that is not named here has its tables. */
export type Codecs<S extends DescService> = { readonly [K in keyof S['method']]?: SomeCodec }

type Read<M extends DescMessage, C> = C extends Codec<infer T> ? T : MessageShape<M>
type Written<M extends DescMessage, C> = C extends Codec<infer T> ? T : MessageInitShape<M>

type ServerMethod<M extends DescMethod, C> = M['methodKind'] extends 'unary'
  ? handleUnaryCall<Read<M['input'], C>, Written<M['output'], C>>
  : M['methodKind'] extends 'bidi_streaming'
    ? handleBidiStreamingCall<Read<M['input'], C>, Written<M['output'], C>>
    : never

/** What a server has to offer for a service: one function a method, typed by its messages. */
export type Implementation<V extends Service<DescService>, C = object> = ImplementationOf<Generated<V>, C>

type Generated<V> = V extends Service<infer S> ? S : never

type ImplementationOf<S extends DescService, C> = {
  readonly [K in keyof S['method']]: ServerMethod<S['method'][K], K extends keyof C ? C[K] : undefined>
}

type ClientMethod<M extends DescMethod, C> = M['methodKind'] extends 'unary'
  ? (
      request: Written<M['input'], C>,
      metadata: Metadata,
      options: CallOptions,
      answer: (error: ServiceError | null, response?: Read<M['output'], C>) => void,
    ) => ClientUnaryCall
  : M['methodKind'] extends 'bidi_streaming'
    ? (
        metadata?: Metadata,
        options?: CallOptions,
      ) => ClientDuplexStream<Written<M['input'], C>, Read<M['output'], C>>
    : never

/** A client of a service: one method each, plus grpc-js's own. */
export type ClientOf<S extends DescService, C = object> = Client & {
  readonly [K in keyof S['method']]: ClientMethod<S['method'][K], K extends keyof C ? C[K] : undefined>
}

/** Serves a service of the contract with grpc-js. */
export function addService<S extends DescService, const C extends Codecs<S> = object>(
  server: Server,
  service: Service<S>,
  implementation: ImplementationOf<S, C>,
  codecs?: C,
): void {
  // The mapped type above holds exactly one function for each method of the definition.
  server.addService(serviceDefinition(service, codecs), implementation as UntypedServiceImplementation)
}

/** A client of a service of the contract, on its own channel. */
export function clientOf<S extends DescService, const C extends Codecs<S> = object>(
  service: Service<S>,
  address: string,
  credentials: ChannelCredentials,
  options: ClientOptions,
  codecs?: C,
): ClientOf<S, C> {
  const Constructor = makeGenericClientConstructor(serviceDefinition(service, codecs), service.typeName)
  // The constructor's prototype has exactly the definition's methods, which ClientOf spells out.
  return new Constructor(address, credentials, options) as unknown as ClientOf<S, C>
}

/** The service as grpc-js wants it. */
export function serviceDefinition<S extends DescService>(
  service: Service<S>,
  codecs?: Codecs<S>,
): ServiceDefinition {
  const byName: Readonly<Record<string, SomeCodec | undefined>> = codecs ?? {}
  return Object.fromEntries(
    Object.entries<Method>(service.method).map(([name, method]) => [
      name,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: name,
        ...kinds[method.kind],
        ...codecOf(method, byName[name]),
      },
    ]),
  )
}

const kinds = {
  unary: { requestStream: false, responseStream: false },
  bidi_streaming: { requestStream: true, responseStream: true },
} as const

function codecOf(method: Method, own: SomeCodec | undefined): MethodCodec {
  if (own !== undefined)
    return {
      requestSerialize: own.encode as Encode,
      requestDeserialize: own.decode,
      responseSerialize: own.encode as Encode,
      responseDeserialize: own.decode,
    }
  return {
    requestSerialize: encoder(method.input),
    requestDeserialize: decoder(method.input),
    responseSerialize: encoder(method.output),
    responseDeserialize: decoder(method.output),
  }
}

type Encode = (message: unknown) => Buffer
type Decode = (bytes: Buffer) => unknown

interface MethodCodec {
  readonly requestSerialize: Encode
  readonly requestDeserialize: Decode
  readonly responseSerialize: Encode
  readonly responseDeserialize: Decode
}

function encoder(table: MessageTable): Encode {
  // The typed surface above lets nothing else in than what initialises this table's message.
  return (message) => encodeMessage(table, message as object)
}

function decoder(table: MessageTable): Decode {
  return (bytes) => decodeMessage(table, bytes)
}

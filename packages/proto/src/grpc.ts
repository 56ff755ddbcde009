import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf'
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

/** Codecs by method name. A method that is not named here has protobuf-es. */
export type Codecs<S extends DescService> = { readonly [K in keyof S['method']]?: SomeCodec }

type Read<M extends DescMessage, C> = C extends Codec<infer T> ? T : MessageShape<M>
type Written<M extends DescMessage, C> = C extends Codec<infer T> ? T : MessageInitShape<M>

type ServerMethod<M extends DescMethod, C> = M['methodKind'] extends 'unary'
  ? handleUnaryCall<Read<M['input'], C>, Written<M['output'], C>>
  : M['methodKind'] extends 'bidi_streaming'
    ? handleBidiStreamingCall<Read<M['input'], C>, Written<M['output'], C>>
    : never

/** What a server has to offer for a service: one function a method, typed by its messages. */
export type Implementation<S extends DescService, C = object> = {
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

/** Serves a service that protobuf-es generated with grpc-js. */
export function addService<S extends DescService, const C extends Codecs<S> = object>(
  server: Server,
  service: S,
  implementation: Implementation<S, C>,
  codecs?: C,
): void {
  // The mapped type above holds exactly one function for each method of the definition.
  server.addService(serviceDefinition(service, codecs), implementation as UntypedServiceImplementation)
}

/** A client of a service that protobuf-es generated, on its own channel. */
export function clientOf<S extends DescService, const C extends Codecs<S> = object>(
  service: S,
  address: string,
  credentials: ChannelCredentials,
  options: ClientOptions,
  codecs?: C,
): ClientOf<S, C> {
  const Constructor = makeGenericClientConstructor(serviceDefinition(service, codecs), service.name)
  // The constructor's prototype has exactly the definition's methods, which ClientOf spells out.
  return new Constructor(address, credentials, options) as unknown as ClientOf<S, C>
}

/** The service as grpc-js wants it. Only unary and bidirectional methods are supported; others throw a TypeError. */
export function serviceDefinition<S extends DescService>(service: S, codecs?: Codecs<S>): ServiceDefinition {
  const byName: Readonly<Record<string, SomeCodec | undefined>> = codecs ?? {}
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.localName,
        ...kinds[supported(method)],
        ...codecOf(method, byName[method.localName]),
      },
    ]),
  )
}

const kinds = {
  unary: { requestStream: false, responseStream: false },
  bidi_streaming: { requestStream: true, responseStream: true },
} as const

function supported(method: DescMethod): keyof typeof kinds {
  const kind = method.methodKind
  if (kind === 'unary' || kind === 'bidi_streaming') return kind
  throw new TypeError(`${method.name} is ${kind}: only unary and bidirectional methods are supported`)
}

function codecOf(method: DescMethod, own: SomeCodec | undefined): MethodCodec {
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

function encoder(schema: DescMessage): Encode {
  return (message) => {
    // The typed surface above lets nothing else in than what initialises this schema's message.
    const bytes = toBinary(schema, create(schema, message as MessageInitShape<DescMessage>))
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

function decoder(schema: DescMessage): Decode {
  return (bytes) => fromBinary(schema, bytes)
}

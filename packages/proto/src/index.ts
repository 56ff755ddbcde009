export {
  addService,
  clientOf,
  serviceDefinition,
  type ClientOf,
  type Codec,
  type Codecs,
  type Implementation,
} from './grpc.ts'
export { chunk, Enrolment, Tunnel } from './contract.ts'
export type { Certificate } from './gen/sallyport/tunnel/v1/enrolment_pb.ts'
export {
  ChunkSchema,
  Failure,
  type AgentEvent,
  type Chunk,
  type Dial,
  type GatewayCommand,
  type GatewayCommandSchema,
  type AgentEventSchema,
} from './gen/sallyport/tunnel/v1/tunnel_pb.ts'
export { decodeMessage, encodeMessage } from './message.ts'

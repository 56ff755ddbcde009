export {
  addService,
  clientOf,
  serviceDefinition,
  type ClientOf,
  type Codec,
  type Codecs,
  type Implementation,
} from './grpc.ts'
export { Enrolment, type Certificate } from './gen/sallyport/tunnel/v1/enrolment_pb.ts'
export {
  ChunkSchema,
  Failure,
  Tunnel,
  type AgentEvent,
  type Chunk,
  type Dial,
  type GatewayCommand,
  type GatewayCommandSchema,
  type AgentEventSchema,
} from './gen/sallyport/tunnel/v1/tunnel_pb.ts'

import type { status } from '@grpc/grpc-js'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { GatewayCommandSchema } from '@sallyport/proto'

/** What may be written to an agent's control stream. */
export type CommandInit = MessageInitShape<typeof GatewayCommandSchema>

/** Ends a server's call with an error, which grpc-js takes as an event. */
export function endWith(call: NodeJS.EventEmitter, code: status, details: string): void {
  call.emit('error', Object.assign(new Error(details), { code, details }))
}

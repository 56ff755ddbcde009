/** The one place that imports `ssh2`, as patches/ssh2@1.17.0.patch makes it. */
export { clientAlgorithms, ident, serverAlgorithms } from './algorithms.ts'
export type { KeyLimits } from './algorithms.ts'
export { connectSsh } from './client.ts'
export type { ClientConnection, ClientOptions, LogIn } from './client.ts'
export { SshServer } from './server.ts'
export type {
  AuthMethod,
  AuthRequest,
  ClientHello,
  KeyboardRequest,
  PasswordRequest,
  PublicKeyRequest,
  HostKey,
  ServerConnection,
  ServerOptions,
} from './server.ts'
export { newHostKey } from './host-key.ts'
export { disconnect, Transport } from './transport.ts'

export { CannotStart } from './cannot-start.ts'
export { gatewayCommand, type GatewayCommand } from './command.ts'
export { ConfigError, loadConfig, parseConfig, type LoadedConfig } from './config/load.ts'
export { printConfig } from './config/print.ts'
export type { Config, ListenAddress } from './config/schema.ts'
export { runGateway, type RunOptions } from './main.ts'
export {
  detectorTags,
  protocolKinds,
  vocabularyOfProtocols,
  type ProtocolKind,
  type ProtocolParts,
} from './protocols.ts'
export type { Address } from './start/address.ts'
export type { GatewayOptions, RunningGateway } from './start/running-gateway.ts'
export { startGateway } from './start/start.ts'

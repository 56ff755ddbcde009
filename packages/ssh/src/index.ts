export { parseOptions, type SshOptions } from './options.ts'
export { ssh, type SshParts } from './protocol.ts'
export { actions, facts } from './vocabulary.ts'

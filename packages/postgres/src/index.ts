export { parseOptions, type PostgresOptions } from './options.ts'
export { postgres, type PostgresParts } from './protocol.ts'
export { actions, facts } from './vocabulary.ts'

import type { CacheUse, Clock, Connection, Gate, StreamProtocol } from '@sallyport/core'
import { Databases } from './databases.ts'
import { Analyzer } from './facts/analyzer.ts'
import { Parser } from './facts/parser.ts'
import { viewTracer } from './facts/views.ts'
import { hints } from './hints.ts'
import { ScramKeyring } from './login/scram-keys.ts'
import { saltPassword } from './login/scram.ts'
import { parseOptions, type PostgresOptions } from './options.ts'
import { createRole } from './roles/create.ts'
import { dropRole } from './roles/drop.ts'
import { serve, type ServeParts } from './serve.ts'
import { suggestTags } from './suggest-tags.ts'
import { actions, facts } from './vocabulary.ts'

export interface PostgresParts {
  readonly clock: Clock
  /** For redactors that must be stable and unguessable. */
  readonly maskKey: Uint8Array
}

/** PostgreSQL 3.x, as the gateway speaks it on both sides. */
export function postgres(parts: PostgresParts): StreamProtocol<PostgresOptions> & AsyncDisposable {
  const caches: CacheUse[] = []
  const parser = Parser.create()
  const ready = parser.then((running): ServeParts => {
    const analyzer = new Analyzer({ parser: running })
    const keyring = new ScramKeyring(saltPassword)
    const databases = new Databases(parts.clock, viewTracer(running), keyring)
    caches.push(analyzer.use, running.use, databases.use)
    return { analyzer, databases, keyring, maskKey: parts.maskKey }
  })
  // Said to whoever connects; not an unhandled rejection before that.
  ready.catch(() => undefined)
  return {
    over: 'stream',
    name: 'postgres',
    defaultPort: 5432,
    listenPort: 15432,
    options: parseOptions,
    verifiesTls: ({ tls }) => tls.mode === 'verify-full',
    actions,
    facts,
    replay: 'statements',
    hints,
    caches,
    async suggestTags(target, request, signal) {
      return await suggestTags(target, request, (await ready).keyring, signal)
    },
    certificates: 'x509',
    ephemeralRoles: {
      async create(administration, role, prefix, signal) {
        return await createRole(administration, role, prefix, (await ready).keyring, signal)
      },
      async drop(administration, role, signal) {
        await dropRole(administration, role, (await ready).keyring, signal)
      },
    },
    async serve(connection: Connection, gate: Gate<PostgresOptions>, signal: AbortSignal) {
      await serve(await ready, connection, gate, signal)
    },
    async [Symbol.asyncDispose]() {
      await (await parser)[Symbol.asyncDispose]()
    },
  }
}

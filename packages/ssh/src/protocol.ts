import type { Clock, Connection, Gate, StreamProtocol } from '@sallyport/core'
import { hints } from './hints.ts'
import { ownHostKey } from './login/own-host-key.ts'
import { parseOptions, type SshOptions } from './options.ts'
import { serve } from './serve.ts'
import { ident, SshServer } from './ssh2/index.ts'
import { actions, facts } from './vocabulary.ts'

export interface SshParts {
  readonly clock: Clock
  /** Secret, 32 bytes: the gateway's host key is made of it, and so is the same after a restart and in every process. */
  readonly hostKeySeed: Uint8Array
  /** Secret: for redactors that must be stable and unguessable. */
  readonly maskKey: Uint8Array
}

/** SSH 2.0, as the gateway speaks it on both sides. */
export function ssh(parts: SshParts): StreamProtocol<SshOptions> {
  const hostKey = ownHostKey(parts.hostKeySeed)
  const server = new SshServer({ hostKeys: [{ key: hostKey.privateKey }], ident })
  return {
    over: 'stream',
    name: 'ssh',
    defaultPort: 22,
    listenPort: 2222,
    options: parseOptions,
    actions,
    facts,
    replay: 'terminal',
    certificates: 'openssh',
    hints: (request) => hints(request, hostKey.line),
    async serve(connection: Connection, gate: Gate<SshOptions>, signal: AbortSignal) {
      await serve({ server, clock: parts.clock, maskKey: parts.maskKey }, connection, gate, signal)
    },
  }
}

import { AuditExporter } from '../audit/exporter.ts'
import { fileReceiver, syslogReceiver, type AuditReceiver, type SyslogAddress } from '../audit/receivers.ts'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import type { Foundation } from './foundation.ts'
import { readNamed } from './named-file.ts'

/**
 * Begins to send the audit log where the configuration says.
 * @param life takes whatever has to be ended
 * @throws CannotStart where a file that the configuration names is not there
 */
export function openAuditExport(
  life: AsyncDisposableStack,
  {
    config,
    foundation,
    events,
  }: { config: Config; foundation: Pick<Foundation, 'store'>; events: Pick<Events, 'trouble'> },
): AuditExporter[] {
  const { file, syslog } = config.audit ?? {}
  const receivers: AuditReceiver[] = []
  if (file !== undefined) receivers.push(fileReceiver(file))
  if (syslog !== undefined) {
    const certificateAuthority =
      syslog.certificateAuthority &&
      readNamed(syslog.certificateAuthority, 'audit.syslog.certificateAuthority')
    receivers.push(syslogReceiver({ ...addressOf(syslog.to), certificateAuthority }, config.publicHost))
  }
  return receivers.map((receiver) =>
    life.use(
      new AuditExporter({
        store: foundation.store,
        receiver,
        onTrouble: (error) => events.trouble(`audit to ${receiver.name}`, error),
      }),
    ),
  )
}

/** As the configuration has it, which is checked. */
function addressOf(text: string): Pick<SyslogAddress, 'transport' | 'host' | 'port'> {
  const [, kind, host = '', port] = /^(\w+):\/\/(.+?)(?::(\d+))?$/.exec(text) ?? []
  const transport = kind === 'tls' || kind === 'tcp' ? kind : 'udp'
  return { transport, host: host.replaceAll(/[[\]]/g, ''), port: Number(port ?? usualPorts[transport]) }
}

/** RFC 5425, RFC 3195, RFC 5426 */
const usualPorts = { tls: 6514, tcp: 601, udp: 514 } as const

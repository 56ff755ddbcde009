import { X509Certificate } from 'node:crypto'
import { fingerprintOf } from '@sallyport/api'
import type { Clock } from '@sallyport/core'
import { linkView } from '../api/routes/users.ts'
import { metadataPath } from '../front/oauth/metadata.ts'
import type { Config } from '../config/schema.ts'
import type { Events } from '../telemetry/events.ts'
import { serveMetrics, type ShownMetrics } from '../telemetry/metrics-listener.ts'
import { inUrl, type Address } from './address.ts'
import { openApi } from './api.ts'
import { openAuditExport } from './audit.ts'
import type { ClientTls } from './client-tls.ts'
import type { People } from './control-core.ts'
import type { Foundation } from './foundation.ts'
import type { Plane } from './plane.ts'
import type { Readiness } from './readiness.ts'
import { openProviders } from './providers.ts'
import { keepUp } from './upkeep.ts'
import { openWebhooks } from './webhooks.ts'

export interface DeskOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly foundation: Foundation
  readonly people: People
  readonly plane: Plane
  readonly clientTls: ClientTls
  readonly readiness: Readiness
  readonly metrics: ShownMetrics
  readonly events: Events
  /** The agents' port, which listens already. */
  readonly agentsPort: number
}

/** Where people and their tools turn to: the API, the metrics, the first set-up, and what is done once a day. */
export interface Desk {
  readonly addresses: readonly Address[]
  /** `https://host:port`. */
  readonly baseUrl: string
  /** PEM of our own authority, and the fingerprint by which people know it; where it signs for clients to see. */
  readonly authority: { readonly certificate: string; readonly fingerprint: string } | undefined
  /** Adds an address to those that are told of. */
  listening(name: string, host: string, port: number): void
  /** While nobody is set up. */
  setupUrl(): Promise<string | undefined>
}

/**
 * @param life takes whatever has to be ended
 * @throws CannotStart
 */
export async function openDesk(life: AsyncDisposableStack, options: DeskOptions): Promise<Desk> {
  const { config, clock, foundation, people, clientTls, metrics, events } = options
  const { certificate } = foundation.keys.authority
  const authority =
    config.tls.certificate === undefined
      ? { certificate, fingerprint: fingerprintOf(new X509Certificate(certificate)) }
      : undefined
  const { accessRequests, reviews } = people
  const providers = await openProviders(options)
  const checks = providers.flatMap((provider) => provider.checks ?? [])
  life.use(
    keepUp({ store: foundation.store, accessRequests, reviews, clock, checks }, (error) =>
      events.trouble('upkeep', error),
    ),
  )
  const sendWebhook = openWebhooks(life, options)
  const exporters = openAuditExport(life, options)
  const addresses: Address[] = []
  const listening = (name: string, host: string, port: number, scheme = '', as = config.publicHost): void => {
    addresses.push({ name, host, port, url: `${scheme}${inUrl(as)}:${port}` })
    events.listening({ name, host, port })
  }
  const baseUrl = (): string => addresses.find(({ name }) => name === 'api')?.url ?? ''
  const front = await openApi(life, {
    ...options,
    sendWebhook,
    exporters,
    providers,
    authority,
    addresses: () => addresses,
    baseUrl,
  })
  clientTls.front = front
  listening('api', config.listen.api.host, front.port, 'https://')
  people.devices.pageUrl = `${baseUrl()}/device`
  people.discoveries.metadataUrl = baseUrl() + metadataPath
  listening('agents', config.listen.agents.host, options.agentsPort)
  if (config.listen.metrics !== 'off') {
    const { host } = config.listen.metrics
    const { port } = life.use(await serveMetrics(metrics, config.listen.metrics))
    listening('metrics', host, port, 'http://', host)
  }
  return {
    addresses,
    baseUrl: baseUrl(),
    authority,
    listening: (name, host, port) => listening(name, host, port),
    setupUrl: async () => {
      const link = await people.setupLinks.forFirstAdministrator()
      return link && linkView(baseUrl(), link).url
    },
  }
}

import type { Clock } from '@sallyport/core'
import type { Config } from '../config/schema.ts'
import { serverNames, ServerTls } from '../edge/server-tls.ts'
import type { Front } from '../front/front.ts'
import type { Events } from '../telemetry/events.ts'
import type { Foundation } from './foundation.ts'

/** The certificate that clients see, and whoever must be told of its successors. */
export interface ClientTls {
  readonly tls: ServerTls
  /** Set once the API is there. */
  front: Front | undefined
}

/** @param life takes whatever has to be ended */
export async function openClientTls(
  life: AsyncDisposableStack,
  { keys }: Pick<Foundation, 'keys'>,
  { config, clock, events }: { readonly config: Config; readonly clock: Clock; readonly events: Events },
): Promise<ClientTls> {
  const { certificate, key } = config.tls
  const opened: Omit<ClientTls, 'tls'> = { front: undefined }
  const tls = life.use(
    await ServerTls.open({
      names: serverNames(config),
      authority: keys.authority,
      clock,
      onRenewed: (pair) => {
        opened.front?.useCertificate(pair)
        events.certificateRenewed(tls.notAfterMs)
      },
      onTrouble: (error) => events.trouble('upkeep', error),
      ...(certificate === undefined || key === undefined ? {} : { files: { certificate, key } }),
    }),
  )
  return Object.assign(opened, { tls })
}

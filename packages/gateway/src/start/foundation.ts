import type { Clock, Fault, StreamProtocol } from '@sallyport/core'
import type { CredentialStores, SealedBox } from '@sallyport/identity'
import { openRecordings, type Recordings, type RecordingsOptions } from '@sallyport/recording'
import type { Sharing, Store } from '@sallyport/store'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'
import { PolicyInForce } from '../policy/in-force.ts'
import type { ProtocolKind } from '../protocols.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { timedStore } from '../telemetry/timed-store.ts'
import { openCredentialStores } from './credential-stores.ts'
import { openDataDirectory } from './data-directory.ts'
import { openGatewayKeys, type GatewayKeys } from './gateway-keys.ts'
import { openSealedBox } from './master-key.ts'

/** What the gateway stands on: its data directory and what is kept there, its keys, its protocols and its policies. */
export interface Foundation {
  readonly store: Store
  readonly box: SealedBox
  readonly keys: GatewayKeys
  /** Where targets' credentials may come from beside {@link store}. */
  readonly stores: CredentialStores
  readonly recordings: Recordings
  /** Of this process and of all others, now or before. */
  readonly recordingDirectories: readonly string[]
  readonly protocols: readonly StreamProtocol[]
  readonly policies: PolicyInForce
}

export interface FoundationOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly kinds: readonly ProtocolKind[]
  readonly detectorTags: Readonly<Record<string, string>>
  readonly metrics: Pick<Metrics, 'recorder' | 'storeWriteSeconds'>
  readonly onRecorderFailure: (fault: Fault) => void
  /** Where several processes share the store. */
  readonly sharing?: Sharing
  readonly recordings: RecordingPlace
}

/** Where this process records, and where the others do or did: see `RecordingsOptions`. */
export type RecordingPlace = Pick<RecordingsOptions, 'directory' | 'beside' | 'liveBeside'>

/**
 * @param life takes whatever has to be ended
 * @throws CannotStart
 */
export async function layFoundation(
  life: AsyncDisposableStack,
  options: FoundationOptions,
): Promise<Foundation> {
  const { config, environment, clock, kinds, detectorTags, metrics } = options
  const store = timedStore(
    life.use(await openDataDirectory(config.dataDirectory, clock, options.sharing)),
    metrics,
  )
  const isFirst = (options.sharing?.process ?? 0) === 0
  const box = await openSealedBox(store, config, environment, isFirst)
  const keys = await openGatewayKeys(store, box, clock)
  life.use(keys.clients)
  const stores = life.use(openCredentialStores({ config, environment, store, box, clock }))
  const recordings = life.use(await openRecordingsIn(keys, options))
  const protocols = kinds.map((kind) => {
    const protocol = kind.open({ clock, secret: (name) => box.derive(name) })
    const { [Symbol.asyncDispose]: end } = protocol
    if (end !== undefined) life.defer(() => end.call(protocol))
    return protocol
  })
  const policies = life.use(await PolicyInForce.load(store, { protocols, detectorTags }, clock))
  const { directory, beside = [] } = options.recordings
  const recordingDirectories = [directory, ...beside]
  return { store, box, keys, stores, recordings, recordingDirectories, protocols, policies }
}

async function openRecordingsIn(
  keys: GatewayKeys,
  { clock, metrics, onRecorderFailure, recordings }: FoundationOptions,
): Promise<Recordings> {
  try {
    return await openRecordings({
      ...recordings,
      signingKey: keys.signing,
      encryptionKey: keys.recordings,
      clock,
      onFailure: onRecorderFailure,
      meter: metrics.recorder,
    })
  } catch (error) {
    throw new CannotStart(
      4,
      `the recordings in ${recordings.directory} cannot be opened: ${error instanceof Error ? error.message : 'unknown'}`,
      'without them nothing may run: see that the directory can be written to, and that the disk is not full',
      { cause: error },
    )
  }
}

import type { TestBed } from '../bed.ts'
import type { Measurement, SettingName } from '../measurement.ts'
import type { OpenRoutes, RouteName } from '../route.ts'
import { openCores } from './cores.ts'
import { openFar } from './far.ts'
import { openNear } from './near.ts'
import { openSsh } from './ssh.ts'

/** Where the routes of compared measurements are. */
export type OpenSettings = Readonly<Record<SettingName, OpenRoutes>> &
  AsyncDisposable & {
    /** What people should know of how they were made. */
    readonly notes: readonly string[]
  }

/** Opens what the measurements need, and nothing else. */
export async function openSettings(
  bed: TestBed,
  measurements: readonly Measurement[],
  profileDirectory: string | undefined,
): Promise<OpenSettings> {
  await using rollback = new AsyncDisposableStack()
  const wanted = (setting: SettingName): Set<RouteName> =>
    new Set(measurements.flatMap((it) => (it.setting === setting ? it.routes : [])))
  const notes: string[] = []
  const near = rollback.use(await openNear(bed, wanted('near'), profileDirectory))
  for (const [route, why] of Object.entries(near.missing)) notes.push(`without ${route}: ${why}`)
  const cores = wanted('cores').size > 0 ? rollback.use(await openCores(bed, profileDirectory)) : none
  let far = none
  if (wanted('far').size > 0) {
    const opened = rollback.use(await openFar(bed))
    notes.push(`50 ms of round trip by ${opened.delayedBy}`)
    far = opened
  }
  const ssh = wanted('ssh').size > 0 ? rollback.use(await openSsh(bed, profileDirectory)) : none
  for (const [route, why] of Object.entries(ssh.missing)) notes.push(`SSH without ${route}: ${why}`)
  const life = rollback.move()
  return { near, far, cores, ssh, notes, [Symbol.asyncDispose]: () => life.disposeAsync() }
}

const none: OpenRoutes = { routes: [], missing: {}, [Symbol.asyncDispose]: () => Promise.resolve() }

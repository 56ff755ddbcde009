import type { TestBed } from '../bed.ts'
import type { Measurement } from '../measurement.ts'
import type { OpenRoutes, RouteName } from '../route.ts'
import { openFar } from './far.ts'
import { openNear } from './near.ts'

/** Where the routes of compared measurements are. */
export interface OpenSettings extends AsyncDisposable {
  readonly near: OpenRoutes
  readonly far: OpenRoutes
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
  const wanted = (setting: 'near' | 'far'): Set<RouteName> =>
    new Set(measurements.flatMap((it) => (it.setting === setting ? it.routes : [])))
  const notes: string[] = []
  const near = rollback.use(await openNear(bed, wanted('near'), profileDirectory))
  for (const [route, why] of Object.entries(near.missing)) notes.push(`without ${route}: ${why}`)
  let far: OpenRoutes = { routes: [], missing: {}, [Symbol.asyncDispose]: () => Promise.resolve() }
  if (wanted('far').size > 0) {
    const opened = rollback.use(await openFar(bed))
    notes.push(`50 ms of round trip by ${opened.delayedBy}`)
    far = opened
  }
  const life = rollback.move()
  return { near, far, notes, [Symbol.asyncDispose]: () => life.disposeAsync() }
}

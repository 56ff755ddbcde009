/** The thread of {@link watchedSearch}. */
import { parentPort, workerData } from 'node:worker_threads'
import { countBlocks } from './coverage.ts'
import { search, type Progress } from './search.ts'
import { targetNamed } from './targets.ts'
import { Desk, type Assignment, type Report } from './watch.ts'

countBlocks()
const assignment = workerData as Assignment // as watch.ts gave it
const desk = new Desk(assignment.desk)
const target = await targetNamed(assignment.target)
await using subject = await target.open({ servers: assignment.servers })
const report = (kind: Report['kind'], progress: Progress): void =>
  parentPort?.postMessage({ kind, progress } satisfies Report)
const progress = await search(target, subject, {
  seed: assignment.seed,
  units: assignment.units,
  lastsMs: assignment.lastsMs,
  onInput: (input) => desk.put(input),
  onProgress: (so) => report('progress', so),
})
report('over', progress)

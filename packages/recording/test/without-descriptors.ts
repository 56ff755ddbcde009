/** Records while its process can open no file any more, and says on its standard output how that went. */
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import type { Recorder } from '../src/index.ts'
import { closed, newGround, newSession, opened, operation } from './ground.ts'

using ground = newGround()
// Small, so that files are begun, written, rotated, made durable and removed meanwhile.
await using recordings = await ground.open({ limits: { chunkBytes: 2_000, segmentBytes: 10_000 } })
const sessions = [newSession(), newSession(), newSession()]
const begin = (i: number): Recorder => {
  const recorder = recordings.open(sessions[i]!)
  recorder.append(opened(sessions[i]!))
  return recorder
}
const recorders = [begin(0), begin(1)]
const taken: number[] = []
try {
  for (;;) taken.push(openSync(devNull, 'r'))
} catch (thrown) {
  console.log((thrown as NodeJS.ErrnoException).code)
}
recorders.push(begin(2))
for (let id = 1; id <= 300; id++)
  for (const recorder of recorders) {
    recorder.append(operation(id))
    recorder.commit()
    await recorder.durable()
  }
for (const recorder of recorders) {
  recorder.append(closed)
  await recorder.close()
}
for (const file of taken) closeSync(file)
for (const session of sessions) {
  const { state, events } = await recordings.verify(session)
  console.log(`${state} ${events}`)
}
console.log(`failures ${ground.failures.length}`)

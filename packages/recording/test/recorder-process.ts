/** Records into the directory it is given until it is killed, and says on its standard output what was acknowledged. */
import { writeSync } from 'node:fs'
import { createPrivateKey, createSecretKey } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { systemClock, type SessionId } from '@sallyport/core'
import { openRecordings, type Recorder } from '../src/index.ts'
import { closed, newSession, opened, operation } from './ground.ts'

const [directory = '', signingKey = '', encryptionKey = ''] = process.argv.slice(2)
const say = (line: string): void => void writeSync(1, `${line}\n`)

const recordings = await openRecordings({
  directory,
  signingKey: createPrivateKey(Buffer.from(signingKey, 'base64').toString()),
  encryptionKey: createSecretKey(Buffer.from(encryptionKey, 'base64')),
  clock: systemClock,
  onFailure(fault) {
    throw fault
  },
  // Small, so that everything that can happen happens often: frames, rotations, removals.
  limits: { chunkBytes: 2_000, segmentBytes: 10_000 },
})

interface Live {
  readonly session: SessionId
  readonly recorder: Recorder
  events: number
}

const live: Live[] = []
for (let turn = 0; ; turn++) {
  if (live.length < 5) {
    const session = newSession()
    const recorder = recordings.open(session)
    recorder.append(opened(session))
    live.push({ session, recorder, events: 1 })
  }
  for (const one of live) {
    one.recorder.append(operation(++one.events))
    one.recorder.commit()
    say(`committed ${one.session} ${one.events}`)
  }
  if (turn % 7 === 0) {
    const { session, recorder, events } = live.shift()!
    recorder.append(closed)
    await recorder.close()
    say(`closed ${session} ${events + 1}`)
  }
  await setImmediate()
}

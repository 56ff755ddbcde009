import { afterAll, beforeAll, describe } from 'vitest'
import { byAnswers } from './attacks/answers.ts'
import { byChannels } from './attacks/channels.ts'
import { byFrames } from './attacks/frames.ts'
import { byFunctionCalls } from './attacks/function-calls.ts'
import { byPaths } from './attacks/paths.ts'
import { byPortals } from './attacks/portals.ts'
import { byStatements } from './attacks/statements.ts'
import { Ground } from './attacks/ground.ts'

describe.concurrent('attacks by somebody who may read, and may not see everything', () => {
  const ground = new Ground()
  beforeAll(ground.open)
  afterAll(() => ground[Symbol.asyncDispose]())

  byStatements(ground)
  byPortals(ground)
  byAnswers(ground)
  byPaths(ground)
  byChannels(ground)
  byFrames(ground)
  byFunctionCalls(ground)
})

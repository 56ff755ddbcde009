import { group, type MakeCommand } from '../command.ts'
import { check, presets, test } from './policy/files.ts'
import { can, who } from './policy/questions.ts'
import { simulate } from './policy/simulate.ts'
import { diff, history, rollback, show } from './policy/versions.ts'

export const policy: MakeCommand = (surroundings, done) =>
  group(
    'policy',
    'policies: their files, what they permit, and their versions',
    ...[check, test, presets, can, who, simulate, history, show, diff, rollback].map((make) =>
      make(surroundings, done),
    ),
  )

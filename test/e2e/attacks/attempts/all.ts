import type { Group } from './attempt.ts'
import { byCarriers } from './carriers.ts'
import { byColumns } from './columns.ts'
import { byExpressions } from './expressions.ts'
import { byForms } from './forms.ts'
import { byOracles } from './oracles.ts'

export const groups: readonly Group[] = [
  ...byColumns,
  ...byExpressions,
  ...byOracles,
  ...byCarriers,
  ...byForms,
]

import { factsOf, type Facts } from '@sallyport/core'

/** A text without statements: what drivers send to see whether the server is there. */
export const emptyText: readonly Facts[] = [
  factsOf({
    actions: ['session'],
    objects: [],
    exposes: [],
    context: {
      unfiltered: false,
      functions: [],
      dynamic: false,
      kinds: ['empty'],
      columns: [],
      filtered_columns: [],
      settings: [],
      locks: false,
    },
  }),
]

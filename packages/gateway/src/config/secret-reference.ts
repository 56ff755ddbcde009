import { z } from 'zod'

/** Never the secret itself: where it is. */
export const secretReference = z
  .string()
  .regex(/^(file:.+|env:[A-Za-z_][A-Za-z0-9_]*)$/, 'secrets stand elsewhere: use file:PATH or env:NAME')

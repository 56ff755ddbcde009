import { z } from 'zod'

/** What of a resource is masked, and how, as a resource's document declares it. */

/** Letters and digits that a redactor may keep of a value's end. */
const maxKept = 16
const redactorWords = ['full', 'keep-last-4', 'keep-domain', 'hash', 'null', 'digits'] as const

const maxText = 256
const howMany = `keep 1 to ${maxKept}`

const howToRedact = `use ${redactorWords.join(', ')}, { keep-last: 1 to ${maxKept} } or { fixed: 'a text' }`

const RedactorDeclaration = z.union(
  [
    z.enum(redactorWords),
    /** What YAML makes of `null`. */
    z.null(),
    z.strictObject({ 'keep-last': z.number().int(howMany).min(1, howMany).max(maxKept, howMany) }),
    z.strictObject({
      fixed: z
        .string()
        .max(maxText, `write ${maxText} characters at most`)
        .regex(/^[^\0]*$/, 'leave out NUL'),
    }),
  ],
  { error: `${howToRedact}; a text has at most ${maxText} characters, and numbers stand in quotes` },
)
export type RedactorDeclaration = z.output<typeof RedactorDeclaration>

const tagWords = 'use words with dots between, such as pii.email'
const tag = z.string().regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/, tagWords)
const tags = z.union([tag, z.array(tag).min(1)], {
  error: `name its tag, or a list of tags: ${tagWords}`,
})

const ColumnDeclaration = z.union([tags, z.strictObject({ tags, redactor: RedactorDeclaration })], {
  error: (issue) => columnTrouble(issue.input),
})
export type ColumnDeclaration = z.output<typeof ColumnDeclaration>

/** The tags of a column, declared in whatever form. */
export function tagsOf(declared: ColumnDeclaration): readonly string[] {
  return [typeof declared === 'object' && 'tags' in declared ? declared.tags : declared].flat()
}

/** Which part of it does not stand: a union says only that none of its forms fits. */
function columnTrouble(declared: unknown): string {
  const isMap = typeof declared === 'object' && declared !== null && !Array.isArray(declared)
  if (!isMap) return `name its tag, a list of tags, or { tags, redactor }: ${tagWords}`
  const { tags: named, redactor, ...rest } = declared as Record<string, unknown>
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) return `${unknown} is not known here: write { tags: …, redactor: … }`
  const isTagged = tags.safeParse(named)
  if (!isTagged.success) return `tags: ${isTagged.error.issues[0]?.message}`
  return `redactor: ${RedactorDeclaration.safeParse(redactor).error?.issues[0]?.message}`
}

export const MaskingDeclaration = z.strictObject({
  mode: z.enum(['strict', 'lenient']).default('strict'),
  /** `schema.table.column` to its tag, or tags, or those with a redactor of its own. */
  columns: z.record(z.string(), ColumnDeclaration).default({}),
  detectors: z.array(z.string()).default([]),
  /** By tag; a tag not named has the default of its kind. */
  redactors: z
    .record(tag, RedactorDeclaration, {
      error: (issue) => (issue.code === 'invalid_key' ? `a tag: ${tagWords}` : undefined),
    })
    .default({}),
})

import { isMap, isSeq, LineCounter, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { maxActors } from '@sallyport/core'
import type { PolicyProblem, PolicyText } from './problem.ts'

/** A file of policy tests: who asks for what, and what is to be decided. */

const names = z.array(z.string().min(1))
const oneOrMore = z
  .union([
    z
      .string()
      .min(1)
      .transform((one) => [one]),
    names,
  ])
  .default([])
const factValue = z.union([z.boolean(), z.int(), z.string(), z.array(z.string())])

const person = z
  .strictObject({
    user: z.string().min(1).optional(),
    workload: z.string().min(1).optional(),
    groups: names.default([]),
    /** The address that they come from; unknown where absent. */
    from: z.union([z.ipv4(), z.ipv6()]).optional(),
    /** What acts for them, where they do not act themselves. */
    actor: z
      .strictObject({
        kind: z.enum(['user', 'workload', 'agent']),
        id: z.string().min(1),
        /** Agents that acted before it, the latest first. */
        chain: names.max(maxActors - 1).default([]),
      })
      .optional(),
    /** How they have signed in, and how long ago: `15m`. */
    signedIn: z
      .strictObject({
        acr: oneOrMore,
        amr: oneOrMore,
        ago: z
          .string()
          .regex(/^[1-9][0-9]{0,5}[smh]$/, 'use a number and s, m or h: 15m')
          .optional(),
      })
      .optional(),
  })
  .refine(({ user, workload }) => (user === undefined) !== (workload === undefined), {
    message: 'name either a user or a workload',
  })

const target = z.strictObject({
  protocol: z.string().min(1),
  host: z.string().default('localhost'),
  labels: z.record(z.string(), z.string()).default({}),
  /** Tag by column, `public.customers.email: pii.email`. */
  tags: z.record(z.string(), z.string()).default({}),
  detectors: names.default([]),
})

const statement = z.strictObject({
  actions: names.min(1),
  /** `shop/public/orders`: each suffers all the actions; or a map from object to the actions on it. */
  objects: z.union([names, z.record(z.string(), names)]).default([]),
  facts: z.record(z.string(), factValue).default({}),
  exposes: names.default([]),
})

const deed = z.union(
  [
    z.enum(['connect', 'administer', 'replay', 'review']),
    z.strictObject({ unmask: z.string().min(1) }),
    statement,
    z.array(statement).min(1),
  ],
  { error: 'say connect, administer, replay, review, unmask: TAG, or actions with their objects and facts' },
)

const policyCase = z.strictObject({
  name: z.string().min(1),
  who: z.union([z.string(), person]),
  resource: z.string().optional(),
  account: z.string().default('app'),
  /** When it is asked, for `@hours`; while all permits are within theirs, where left out. */
  at: z.iso.datetime({ offset: true }).optional(),
  does: deed,
  expect: z.enum(['allow', 'deny', 'review', 'request', 'step-up']),
  /** Text that the decision's reason must contain. */
  reason: z.string().optional(),
  /** Ids of the policies that must have determined it, all of them. */
  policies: names.optional(),
})

const testFile = z.strictObject({
  people: z.record(z.string(), person).default({}),
  resources: z.record(z.string(), target).default({}),
  cases: z.array(policyCase).min(1),
})

export type Person = z.infer<typeof person>
export type Target = z.infer<typeof target>
export type PolicyCase = z.infer<typeof policyCase>

export interface ReadTestFile {
  readonly people: Readonly<Record<string, Person>>
  readonly resources: Readonly<Record<string, Target>>
  readonly cases: readonly { readonly line: number; readonly test: PolicyCase }[]
  readonly problems: readonly PolicyProblem[]
}

/** Reads a file of tests; what is wrong in it comes with its line, and then there are no cases. */
export function readTestFile(file: PolicyText): ReadTestFile {
  const lines = new LineCounter()
  const document = parseDocument(file.text, { lineCounter: lines })
  const at = (path: readonly PropertyKey[]): { line: number; column: number } => {
    const { line, col } = lines.linePos(offsetOf(document, path))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const failed = (problems: PolicyProblem[]): ReadTestFile => ({
    people: {},
    resources: {},
    cases: [],
    problems,
  })
  const problem = (where: { line: number; column: number }, message: string): PolicyProblem => ({
    file: file.name,
    ...where,
    message,
    severity: 'error',
  })

  if (document.errors.length > 0)
    return failed(
      document.errors.map(({ pos, message }) => {
        const { line, col } = lines.linePos(pos[0])
        return problem({ line, column: col }, message.split('\n')[0] ?? message)
      }),
    )
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // An alias without its anchor, or one that unfolds without end.
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : undefined
    return failed([problem(at([]), why ?? 'it cannot be read')])
  }
  const read = testFile.safeParse(value)
  if (!read.success)
    return failed(
      read.error.issues.map((issue) => {
        const key = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
        const place = issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''
        return problem(at([...issue.path, ...key]), `${place}${issue.message}`)
      }),
    )
  const cases = read.data.cases.map((test, i) => ({ test, line: at(['cases', i]).line }))
  return { ...read.data, cases, problems: [] }
}

/** Where the deepest part of `path` that exists begins. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents
  let offset = document.contents?.range?.[0] ?? 0
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === String(key))
      if (!pair) break
      offset = rangeStart(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(key)]
      offset = rangeStart(node) ?? offset
    } else break
  }
  return offset
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
    return undefined
  const start: unknown = node.range[0]
  return typeof start === 'number' ? start : undefined
}

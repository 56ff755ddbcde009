import {
  policySetTextToParts,
  policyToJson,
  type DetailedError,
  type EntityUidJson,
  type PolicyJson,
} from '@cedar-policy/cedar-wasm/nodejs'
import { readAnnotations, type Annotations } from './annotations.ts'
import { blankText, excess } from './limits.ts'
import { positionAt, type PolicyProblem, type PolicyText } from './problem.ts'

/** One policy of a file. */
export interface Policy extends Annotations {
  /** From `@id`, or `file:line:column` where it has none. */
  readonly id: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly text: string
  readonly json: PolicyJson
  /** It is outside of its hours: it permits nothing just now. */
  readonly isClosed?: boolean
}

/** Cuts a file into policies. Those that cannot be read are problems instead. */
export function readPolicies(file: PolicyText): { policies: Policy[]; problems: PolicyProblem[] } {
  const problems: PolicyProblem[] = []
  const { name, text } = file
  const complainAt = (offset: number, message: string, severity: PolicyProblem['severity'] = 'error'): void =>
    void problems.push({ file: name, ...characterPosition(text, offset), message, severity })

  const tooMuch = excess(blankText(text, { strings: true }))
  if (tooMuch) {
    complainAt(tooMuch.offset, tooMuch.message)
    return { policies: [], problems }
  }
  // Without comments there is only white space between the parts that Cedar cuts, so each can be found again.
  const bare = blankText(text, { strings: false })
  const parts = policySetTextToParts(bare)
  if (parts.type === 'failure')
    return { policies: [], problems: parts.errors.map((error) => cedarProblem(file, error)) }
  for (const template of parts.policy_templates)
    complainAt(
      Math.max(0, bare.indexOf(template)),
      'a template cannot be used here: name the principal and resource',
    )
  if (parts.policy_templates.length > 0) return { policies: [], problems }

  const policies: Policy[] = []
  let end = 0
  for (const part of inFileOrder(parts.policies)) {
    const start = bare.indexOf(part, end)
    end = start + part.length
    const parsed = policyToJson(part)
    if (parsed.type === 'failure') {
      complainAt(start, parsed.errors[0]?.message ?? 'it cannot be read')
      continue
    }
    const { json } = parsed
    const read = readAnnotations(json.effect, json.annotations ?? {})
    const complain = (annotation: string, message: string): void =>
      complainAt(start + Math.max(0, part.search(new RegExp(`@\\s*${annotation}\\b`))), message)
    for (const { annotation, message } of read.problems) complain(annotation, message)
    const position = characterPosition(text, start)
    const id = read.annotations.id ?? `${name}:${position.line}:${position.column}`
    if (read.annotations.request !== undefined && !isForConnect(json))
      complain('request', '@request belongs on a permit for action == Action::"connect", and no other action')
    if (read.annotations.id === undefined && json.annotations?.['id'] === undefined)
      complainAt(start, 'give it an @id: decisions and recordings name policies by it', 'warning')
    policies.push({ ...read.annotations, id, file: name, ...position, text: part, json })
  }
  return { policies, problems }
}

function isForConnect({ action }: PolicyJson): boolean {
  if (action.op === 'All' || 'slot' in action) return false
  const named = 'entity' in action ? [action.entity] : action.entities
  return named.length === 1 && named.every((entity) => idOf(entity) === 'connect')
}

function idOf(entity: EntityUidJson): string {
  return '__entity' in entity ? entity.__entity.id : entity.id
}

/** Cedar's error as a problem in its file. */
export function cedarProblem(file: PolicyText, error: DetailedError): PolicyProblem {
  const [where] = error.sourceLocations ?? []
  const message = error.message
    .replace('failed to parse policies from string: ', '')
    .replace(/^for policy `[^`]*`, /, '')
  const hints = [where?.label, error.help].filter((hint) => typeof hint === 'string')
  return {
    file: file.name,
    ...positionAt(file.text, where?.start ?? 0),
    message: [message, ...hints].join('; '),
    severity: error.severity === 'warning' ? 'warning' : 'error',
  }
}

/** Cedar names the policies of a text policy0, policy1… and returns them sorted by name: policy10 before policy2. */
function inFileOrder(parts: readonly string[]): string[] {
  const sorted = parts.map((_, i) => i).sort((a, b) => (String(a) < String(b) ? -1 : 1))
  return parts.map((_, i) => parts[sorted.indexOf(i)] ?? '')
}

function characterPosition(text: string, offset: number): { line: number; column: number } {
  return positionAt(text, Buffer.byteLength(text.slice(0, offset)))
}

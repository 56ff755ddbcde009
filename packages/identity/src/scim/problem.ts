/** What a SCIM client did wrong, by RFC 7644 section 3.12: all of it is shown to it. */
export type ScimType =
  | 'invalidFilter'
  | 'invalidPath'
  | 'invalidSyntax'
  | 'invalidValue'
  | 'mutability'
  | 'noTarget'
  | 'tooMany'
  | 'uniqueness'

/** Thrown by whatever reads a request or acts by it: becomes the answer. */
export class ScimProblem extends Error {
  override readonly name = 'ScimProblem'
  readonly status: number
  readonly scimType: ScimType | undefined

  constructor(status: number, detail: string, scimType?: ScimType) {
    super(detail)
    this.status = status
    this.scimType = scimType
  }
}

export function invalid(scimType: ScimType, detail: string): ScimProblem {
  return new ScimProblem(400, detail, scimType)
}

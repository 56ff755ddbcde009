/** How a token may be signed: by a private key that only its issuer has. */
export type IssuerAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'

/** What a claim must be: this, any of these, or something that starts so. */
export type ClaimCondition =
  | string
  | boolean
  | number
  | readonly (string | boolean | number)[]
  | { readonly startsWith: string }

/** Who somebody is whose token has these claims. */
export interface IssuerRule {
  readonly name: string
  /** By claim: its name, or a JSON Pointer (RFC 6901) to one further down. All of them must hold. */
  readonly match: Readonly<Record<string, ClaimCondition>>
  /** The name of a workload, or the person whom the token is about, by its issuer and subject. */
  readonly is: { readonly workload: string } | 'person'
  readonly groups: readonly string[]
}

/** An issuer of tokens that the gateway trusts, as declared. Its tokens are shown as they are, in place of one of ours. */
export interface Issuer {
  readonly name: string
  /** What its tokens have in `iss`, to the letter. */
  readonly issuer: string
  /** Any of them has to be in `aud`. */
  readonly audiences: readonly string[]
  /** For which of its clients a token may be made: `azp` or `client_id`. Where empty, one that is named must be an audience of ours. */
  readonly authorizedParties: readonly string[]
  /** `access`: access tokens by RFC 9068 and their like. `workload`: what platforms give their jobs. Sign-ins' ID tokens are neither. */
  readonly tokens: 'access' | 'workload'
  readonly algorithms: readonly IssuerAlgorithm[]
  /**
   * What becomes of a token that says who acts for whom it is about, in `act` (RFC 8693): `allowed` takes both, `required` takes no other,
   * `refused` takes none such.
   */
  readonly actors: 'allowed' | 'required' | 'refused'
  /** Of persons. Name or JSON Pointer. */
  readonly groupsClaim: string
  readonly nameClaim: string
  /** From `iat` to `exp`. */
  readonly maxLifetimeSeconds: number
  /** Its tokens are good for one exchange for one of ours, and for nothing else. Absent: they are shown as they are, too. */
  readonly exchange?: 'once' | undefined
  /** Where its public keys are. */
  readonly keys:
    | { readonly from: 'discovery' }
    | { readonly from: 'url'; readonly url: string }
    /** RFC 7517. For issuers that cannot be reached from here. */
    | { readonly from: 'document'; readonly keys: readonly Readonly<Record<string, unknown>>[] }
  /** PEM of who signs its server's certificate, where the system does not know it. */
  readonly certificateAuthority?: string | undefined
  /** The first that matches says who it is. */
  readonly rules: readonly IssuerRule[]
}

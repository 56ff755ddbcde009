/** How the gateway takes what a SCIM connector says. */
export interface ScimSettings {
  /** The provider at which the same people sign in, as in `iss`. */
  readonly issuer: string
  /** The attribute that has the subject under which the provider vouches for somebody. */
  readonly subject: 'externalId' | 'userName'
  /** Whether SCIM says what groups its people are in, and their provider's tokens do not. */
  readonly groups: boolean
  /** Whether a group of SCIM may be `administrators`. */
  readonly administrators: boolean
  /** `https://gateway.example:8443/scim/v2` */
  readonly baseUrl: () => string
}

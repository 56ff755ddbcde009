/**
 * Where the gateway gets a target's credential. `agent` names one held by the agent and released per session; `certificate` is a fresh
 * key for each log-in, certified by an authority of the gateway's that the target trusts: its protocol says which.
 */
export type CredentialSource =
  | { readonly from: 'sealed'; readonly name: string }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'agent'; readonly name: string }
  | { readonly from: 'certificate' }
  | { readonly from: 'none' }

/** Of one kind. */
export type CredentialSourceFrom<From extends CredentialSource['from']> = Extract<
  CredentialSource,
  { readonly from: From }
>

import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import type { CacheUse } from './cache-use.ts'
import type { EphemeralRoles } from './ephemeral-roles.ts'
import type { Gate } from './session.ts'
import type { OwnTarget, SampleRequest, TagSuggestions } from './tag-suggestions.ts'

/** How a policy may group an action: `read` changes nothing, `write` changes data, `dangerous` may reach beyond the data. */
export type ActionGroup = 'read' | 'write' | 'dangerous' | 'session'

export interface ActionSpec {
  readonly name: string
  readonly group: ActionGroup
  /** One line for documents and error messages. */
  readonly meaning: string
}

export type FactType = 'boolean' | 'number' | 'string' | 'strings'

/** What this protocol says of an operation beyond actions and objects. Builds the policy schema. */
export interface FactSpec {
  readonly name: string
  readonly type: FactType
  readonly meaning: string
}

/** Where this gateway listens for the protocol, as a client reaches it. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  /** PEM file with the certificate authority that clients should trust; absent where the system's suffices. */
  readonly caFile?: string
}

/** How a native client connects: what `sallyport connect` runs, and what it prints to paste. */
export interface Hint {
  /** The client's command, such as `psql`. */
  readonly client: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Files that it needs, laid by whoever runs it; {@link HintRequest.fileAt} stands where their paths go. */
  readonly files?: readonly HintFile[]
}

/** A file without a secret in it. */
export interface HintFile {
  /** Letters, digits and underscores. */
  readonly name: string
  readonly content: string
  /** It is run. */
  readonly isProgram?: true
}

export interface HintRequest {
  readonly endpoint: Endpoint
  readonly resource: string
  readonly account?: string
  /** Placeholder or token; goes to the environment, never to an argument. */
  readonly token: string
  /** The path of one of the hint's files, or what stands for it. */
  readonly fileAt: (name: string) => string
}

/** A downstream socket as accepted, before its first byte. */
export interface Connection {
  readonly stream: Duplex
  /** `host:port`. */
  readonly address: string
  /** The client is on this machine: its bytes cross no network. */
  readonly loopback: boolean
  readonly tls: SecureContext
}

/** Validates the protocol's own part of a resource's declaration. Throws an Error that names the wrong key. */
export type OptionsParser<Options> = (value: unknown) => Options

/** What says whose key somebody has who logs in to a target: OpenSSH's certificates, or X.509 within TLS. */
export type CertificateForm = 'openssh' | 'x509'

/** A wire protocol that the gateway can terminate: behaviour and data. Adding one is adding one package. */
export interface StreamProtocol<Options = unknown> {
  readonly over: 'stream'
  /** Resource kind, metric label, configuration key. */
  readonly name: string
  readonly defaultPort: number
  /** Where the gateway listens for it unless told otherwise. */
  readonly listenPort: number
  readonly options: OptionsParser<Options>
  /** The kind of certificate by which its targets may let somebody in. */
  readonly certificates?: CertificateForm
  /** Whether targets with these options are reached over TLS whose certificate is verified. Absent where there is no TLS. */
  verifiesTls?(options: Options): boolean
  readonly actions: readonly ActionSpec[]
  readonly facts: readonly FactSpec[]
  readonly replay: 'statements' | 'terminal' | 'requests'
  hints(request: HintRequest): readonly Hint[]
  /** What it remembers so as not to work it out anew, for metrics. */
  readonly caches?: readonly Readonly<CacheUse>[]
  /** Looks at samples of a target's data, reading only, and proposes tags. Absent where it has no columns. @throws Fault */
  suggestTags?(
    target: OwnTarget<Options>,
    request: SampleRequest,
    signal: AbortSignal,
  ): Promise<TagSuggestions>
  /** Absent where its targets have no roles, or none that could be made for one session. */
  readonly ephemeralRoles?: EphemeralRoles<Options>
  /** Owns the connection from first byte to last. Returns when it is over; throws only a Fault, already said to the client. */
  serve(connection: Connection, gate: Gate<Options>, signal: AbortSignal): Promise<void>
}

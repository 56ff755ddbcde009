import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import {
  Secret,
  type CredentialRequest,
  type CredentialSourceFrom,
  type EphemeralRole,
  type LastingSource,
  type OwnTarget,
  type Resource,
  type SessionId,
  type StreamProtocol,
  type UpstreamCredential,
} from '@sallyport/core'
import type { Readers } from '@sallyport/store'
import type { CredentialKind, Json } from './kind.ts'

export interface EphemeralRoleParts {
  readonly protocols: readonly Pick<StreamProtocol, 'name' | 'options' | 'ephemeralRoles'>[]
  readonly resources: Pick<Readers['resources'], 'get'>
  /** To a target, through whichever agent serves it. */
  readonly dial: (resource: Resource, session: SessionId, signal: AbortSignal) => Promise<Duplex>
  /** The same for every process of this gateway, and another for every other gateway. */
  readonly rolePrefix: string
  /** A role that was left on a target could not be dropped; it is tried again with the next log-in there. */
  readonly onRoleLeft: (resource: string, role: string, cause: unknown) => void
}

type Source = CredentialSourceFrom<'ephemeral-role'>
/** Who makes and drops roles: what it logs in with is not made for a session itself. */
type Administrator = Source['via']
type FetchLasting = (source: LastingSource, request: CredentialRequest) => Promise<UpstreamCredential>

/** What is undertaken: enough to drop a role when its resource is declared otherwise, or not at all any more. */
interface Undertaken {
  readonly role: string
  readonly account: string
  readonly via: Administrator
  readonly session: SessionId
  readonly place: Place
}

/** Where a resource is, and how it is reached. */
type Place = Pick<Resource, 'name' | 'protocol' | 'host' | 'port' | 'agent' | 'options'>

/** A role of the target for one session. Its password is in nobody's memory but the gateway's. */
export function ephemeralRole(parts: EphemeralRoleParts, fetchLasting: FetchLasting): CredentialKind<Source> {
  return {
    async fetch({ via }, { resource, account, session, signal }, undertake) {
      const role: EphemeralRole = {
        name: parts.rolePrefix + randomBytes(nameBytes).toString('hex'),
        password: new Secret(randomBytes(passwordBytes).toString('base64url')),
        account: account.name,
        comment: `Sallyport session ${session}`,
      }
      const { name, protocol, host, port, agent, options } = resource
      const place = { name, protocol, host, port, agent, options }
      const roles = rolesOf(parts, protocol)
      await undertake(asJson({ role: role.name, account: account.name, via, session, place }))
      const target = administration(parts, fetchLasting, place, via, session, signal)
      const { idle } = await roles.create(target, role, parts.rolePrefix, signal)
      for (const left of idle) void dropLeft(left)
      return { user: role.name, actsAs: account.name, password: role.password }

      async function dropLeft(left: string): Promise<void> {
        try {
          const patience = AbortSignal.timeout(dropMs)
          const again = administration(parts, fetchLasting, place, via, session, patience)
          await roles.drop(again, { name: left, account: account.name }, patience)
        } catch (cause) {
          parts.onRoleLeft(resource.name, left, cause)
        }
      }
    },
    async release(what, signal) {
      // Undertaken by this very kind, and authenticated by the seal.
      const undertaken = what as unknown as Undertaken
      const { role, account, session } = undertaken
      const { place, via } = asDeclaredNow(undertaken, await parts.resources.get(undertaken.place.name))
      const { options } = protocolOf(parts, place.protocol)
      const known = { ...place, options: options(place.options) }
      const target = administration(parts, fetchLasting, known, via, session, signal)
      await rolesOf(parts, place.protocol).drop(target, { name: role, account }, signal)
    },
  }
}

/** The same server as it is declared by now: its certificate, agent or administrator may have been mended since. */
function asDeclaredNow(
  { place, via, account }: Undertaken,
  resource: Resource | undefined,
): { readonly place: Place; readonly via: Administrator } {
  const isThere =
    resource?.protocol === place.protocol && resource.host === place.host && resource.port === place.port
  if (!isThere) return { place, via }
  const credential = resource.accounts.find(({ name }) => name === account)?.credential
  return { place: resource, via: credential?.from === 'ephemeral-role' ? credential.via : via }
}

function administration(
  { dial }: EphemeralRoleParts,
  fetchLasting: FetchLasting,
  place: Place,
  via: Administrator,
  session: SessionId,
  signal: AbortSignal,
): OwnTarget {
  const resource: Resource = { ...place, ...nothingElse, accounts: [via] }
  return {
    resource,
    account: via.name,
    dial: (until = signal) => dial(resource, session, until),
    credential: () =>
      fetchLasting(via.credential, { resource, account: via, session, subject: undefined, signal }),
  }
}

const nothingElse = {
  labels: {},
  masking: { mode: 'strict', columns: [], detectors: [], redactors: {} },
  recording: 'batched',
} as const

function protocolOf(
  { protocols }: EphemeralRoleParts,
  name: string,
): EphemeralRoleParts['protocols'][number] {
  const protocol = protocols.find((one) => one.name === name)
  if (protocol === undefined) throw new Error(`there is no protocol ${name}`)
  return protocol
}

function rolesOf(parts: EphemeralRoleParts, name: string): NonNullable<StreamProtocol['ephemeralRoles']> {
  const { ephemeralRoles } = protocolOf(parts, name)
  if (ephemeralRoles === undefined) throw new Error(`no roles are made on targets of ${name}`)
  return ephemeralRoles
}

/** Plain data: what is declared, and names. */
function asJson(undertaken: Undertaken): Json {
  return JSON.parse(JSON.stringify(undertaken)) as Json
}

/** Not to be guessed, and never twice. */
const nameBytes = 16
const passwordBytes = 32
const dropMs = 15_000

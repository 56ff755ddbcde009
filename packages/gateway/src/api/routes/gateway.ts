import type { DoctorCheck } from '@sallyport/api'
import type { SshAuthorityView } from '@sallyport/identity'
import type { Readers } from '@sallyport/store'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'

/** The gateway as a whole, as the API tells of it. */
export interface GatewayState {
  readonly version: string
  readonly startedAtMs: number
  readonly signingPublicKey: string
  /** Where the gateway signs its own certificates. */
  readonly authority: { readonly certificate: string; readonly fingerprint: string } | undefined
  readonly sshAuthorities: { readonly targets: SshAuthorityView; readonly users: SshAuthorityView }
  isDraining(): boolean
  policyVersion(): string
  liveSessions(): Promise<number>
  agentsAttached(): Promise<number>
  listeners(): readonly { readonly name: string; readonly host: string; readonly port: number }[]
  examine(): Promise<DoctorCheck[]>
}

export function gatewayRoutes(state: GatewayState, read: Pick<Readers, 'reviews'>): NounRoutes<'gateway'> {
  return {
    version: () => ({ name: 'sallyport', version: state.version, api: 'v1' }),
    signingKey: () => ({ algorithm: 'Ed25519', publicKey: state.signingPublicKey }),
    authority: () => ({ ...state.authority }),
    sshAuthorities: () => state.sshAuthorities,
    status: async () => ({
      version: state.version,
      startedAt: time(state.startedAtMs),
      state: state.isDraining() ? 'draining' : 'serving',
      policyVersion: state.policyVersion(),
      liveSessions: await state.liveSessions(),
      openReviews: (await read.reviews.list('open', maxCounted)).length,
      agentsAttached: await state.agentsAttached(),
      listeners: state.listeners().map(({ name, host, port }) => ({ name, host, port })),
    }),
    doctor: async () => {
      const checks = await state.examine()
      return { healthy: checks.every((check) => check.state !== 'bad'), checks }
    },
  }
}

const maxCounted = 10_000

import { isRefusal, Secret, sourceAddress, type Clock } from '@sallyport/core'
import { authorityView, type ScimTokens } from '@sallyport/identity'
import { Authorize } from '../api/authorize.ts'
import type { Guards, Implementations } from '../api/implementation.ts'
import { accessRoutes } from '../api/routes/access.ts'
import { agentRoutes, joinTokenRoutes } from '../api/routes/agents.ts'
import { applyRoutes } from '../api/routes/apply.ts'
import { auditRoutes, type AuditParts } from '../api/routes/audit.ts'
import { authorityRoutes } from '../api/routes/authorities.ts'
import { deviceRoutes } from '../api/routes/device.ts'
import { federationRoutes } from '../api/routes/federation.ts'
import { gatewayRoutes } from '../api/routes/gateway.ts'
import { keyRoutes } from '../api/routes/keys.ts'
import { policyRoutes } from '../api/routes/policies.ts'
import { grantRoutes, requestRoutes } from '../api/routes/requests.ts'
import { resourceRoutes } from '../api/routes/resources.ts'
import { reviewRoutes } from '../api/routes/reviews.ts'
import { scimTokenRoutes } from '../api/routes/scim-tokens.ts'
import { sessionRoutes } from '../api/routes/sessions.ts'
import { loginRoutes, setupRoutes } from '../api/routes/setup.ts'
import { tokenRoutes } from '../api/routes/tokens.ts'
import { userRoutes } from '../api/routes/users.ts'
import { webhookRoutes } from '../api/routes/webhooks.ts'
import { whoamiRoutes } from '../api/routes/whoami.ts'
import { SessionSearch } from '../api/session-search.ts'
import { Applier } from '../apply/applier.ts'
import type { Config } from '../config/schema.ts'
import { checksOf, type CheckParts } from '../doctor/checks.ts'
import { examine } from '../doctor/doctor.ts'
import { openFront, type Front } from '../front/front.ts'
import { Inquiries } from '../policy/inquiries.ts'
import { Simulations } from '../policy/simulations.ts'
import { detectorTags } from '../protocols.ts'
import type { Events } from '../telemetry/events.ts'
import { version } from '../version.ts'
import type { Send } from '../webhooks/sender.ts'
import type { Address } from './address.ts'
import type { People } from './control-core.ts'
import type { ClientTls } from './client-tls.ts'
import type { ProviderAtWork } from './provider.ts'
import type { Foundation } from './foundation.ts'
import type { Plane } from './plane.ts'
import type { Readiness } from './readiness.ts'
import { openScim } from './scim.ts'
import { stepUpDoorOf } from './step-up-door.ts'

export interface ApiOptions {
  readonly config: Config
  readonly clock: Clock
  readonly foundation: Foundation
  readonly people: People
  readonly plane: Plane
  readonly clientTls: Pick<ClientTls, 'tls'>
  readonly readiness: Readiness
  readonly authority: { readonly certificate: string; readonly fingerprint: string } | undefined
  readonly events: Events
  readonly sendWebhook: Send
  readonly exporters: CheckParts['exporters']
  readonly providers: readonly ProviderAtWork[]
  /** Grows while the gateway starts. */
  readonly addresses: () => readonly Address[]
  readonly baseUrl: () => string
}

/**
 * The HTTPS side, each noun with what it needs and no more.
 * @param life takes whatever has to be ended
 * @throws CannotStart
 */
export async function openApi(life: AsyncDisposableStack, options: ApiOptions): Promise<Front> {
  const { config, foundation, people, readiness, events } = options
  const authorize = new Authorize(foundation.store.read, foundation.policies, stepUpDoorOf(config))
  const scim = await openScim(options)
  return life.use(
    await openFront({
      address: config.listen.api,
      tls: options.clientTls.tls.pair,
      implementations: implementationsOf(options, authorize, scim?.tokens),
      guards: guardsOf(people, authorize, events),
      signIn: {
        ...people,
        providers: options.providers,
        baseUrl: options.baseUrl,
        clock: options.clock,
        onSignedIn: (name, address) => events.signedIn(name, address),
        // What came of a password, or of a provider's answer, is written where it is judged.
        onRefused: (address, code) => events.signInRefused(address, code, code === 'invalid-credential'),
      },
      oauth: {
        clients: config.oauth.clients,
        deviceGrants: people.deviceGrants,
        tokenExchange: people.tokenExchange,
        issuer: options.baseUrl,
        clock: options.clock,
        onSignedIn: (principal, address) => events.signedIn(principal, address),
        onRefused: (address, code) => events.signInRefused(address, code),
      },
      scim,
      limits: config.limits,
      unready: () => readiness.why(),
      onAnswered: (answered) => events.answered(answered),
      onTrouble: (error, route) => events.trouble(route, error),
    }),
  )
}

function guardsOf({ authenticators }: People, authorize: Authorize, events: Events): Guards {
  return {
    caller: async (token, address) => {
      const known = await authenticators.authenticate(new Secret(token), address)
      const source = sourceAddress(address)
      if (!isRefusal(known))
        return { ...known, subject: { ...known.subject, ...(source !== undefined && { source }) } }
      events.tokenUnknown(address)
      return undefined
    },
    mayAdminister: (caller) => {
      if (authorize.mayAdminister(caller.subject)) return true
      authorize.tellStepUp(caller, 'administer')
      return false
    },
    mayReplay: (caller, session) => authorize.mayReplay(caller, session),
  }
}

function implementationsOf(
  options: ApiOptions,
  authorize: Authorize,
  scimTokens: ScimTokens | undefined,
): Implementations {
  const { config, clock, foundation, people, plane, events, authority, addresses, baseUrl, readiness } =
    options
  const { store, box, keys, recordings, recordingDirectories, policies, protocols } = foundation
  const {
    tokens,
    delegations,
    registeredKeys,
    keyProofs,
    userCertificates,
    federation,
    devices,
    loopback,
    signIn,
    setupLinks,
    reviews,
    accessRequests,
  } = people
  const { read } = store
  const portOf = (listener: string): number | undefined =>
    addresses().find(({ name }) => name === listener)?.port
  const applier = new Applier({
    store,
    policies,
    known: {
      protocols,
      detectors: Object.keys(detectorTags),
      stores: new Map(Object.entries(config.stores).map(([name, { kind }]) => [name, kind])),
    },
    box,
    clock,
    onApplied: (by, { plan, policyVersion }) => events.applied(by, plan, policyVersion),
  })
  const asking = { read, requests: accessRequests, authorize, clock }
  const standing: AuditParts['standing'] = {
    watch: (caller, changed) => tokens.watch(caller, changed),
    onPolicies: (changed) => policies.current.onReplaced(changed),
  }
  const startedAtMs = clock.now()
  return {
    setup: setupRoutes(setupLinks, events),
    login: loginRoutes({ signIn, loopback, providers: options.providers, baseUrl }, events),
    device: deviceRoutes(devices, events),
    whoami: whoamiRoutes(tokens, authorize),
    tokens: tokenRoutes({ read, tokens, delegations, policies, authorize, clock }),
    keys: keyRoutes({ read, registeredKeys, keyProofs, userCertificates, authorize, clock, baseUrl }),
    users: userRoutes({ store, setupLinks, policies, baseUrl }),
    resources: resourceRoutes({
      store,
      policies,
      authorize,
      clock,
      protocols,
      publicHost: config.publicHost,
      portOf,
      plane,
    }),
    apply: applyRoutes(applier),
    policies: policyRoutes({
      store,
      policies,
      applier,
      simulations: new Simulations({
        store,
        recordings,
        directories: recordingDirectories,
        encryptionKey: keys.recordings,
        words: policies.words,
        authorize,
        clock,
      }),
      inquiries: new Inquiries({
        read,
        policies,
        mayAdminister: (subject) => authorize.mayAdminister(subject),
      }),
    }),
    agents: agentRoutes(store, plane),
    joinTokens: joinTokenRoutes({
      store,
      clock,
      gateway: () => addresses().find(({ name }) => name === 'agents')?.url ?? '',
      authorityFingerprint: keys.authority.fingerprint,
    }),
    requests: requestRoutes(asking),
    grants: grantRoutes(asking),
    access: accessRoutes({ store, policies, authorize, clock }),
    reviews: reviewRoutes({ read, reviews, authorize }),
    sessions: sessionRoutes({
      store,
      recordings,
      search: new SessionSearch(recordings, clock),
      authorize,
      live: plane,
      standing,
      clock,
    }),
    federation: federationRoutes(read, federation),
    gateway: gatewayRoutes(
      {
        version,
        startedAtMs,
        signingPublicKey: keys.signingPublicKey,
        authority,
        sshAuthorities: {
          targets: authorityView(keys.sshTargets),
          users: authorityView(keys.sshUsers),
        },
        isDraining: () => readiness.isDraining,
        policyVersion: () => policies.point.version,
        liveSessions: () => plane.liveSessions(),
        agentsAttached: async () => (await plane.attached()).length,
        listeners: addresses,
        examine: async () =>
          examine(
            await checksOf({
              stores: foundation.stores,
              hasPreviousKey: config.previousMasterKey !== undefined,
              store,
              dataDirectory: config.dataDirectory,
              tls: options.clientTls.tls,
              plane,
              policies,
              federation,
              exporters: options.exporters,
              looks: options.providers.flatMap(({ examine }) => examine(baseUrl())),
              clock,
            }),
          ),
      },
      read,
    ),
    authorities: authorityRoutes(keys.clients),
    audit: auditRoutes({ read, authorize, standing, clock }),
    webhooks: webhookRoutes({ store, send: options.sendWebhook, clock }),
    scimTokens: scimTokenRoutes({ read, scimTokens, clock }),
  }
}

import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import {
  factsOf,
  isRefusal,
  onOwnBehalf,
  principalId,
  Secret,
  type Actor,
  type Facts,
  type LoginClaim,
  type Operation,
  type Outcome,
  type Parameter,
  type Refusal,
  type Resource,
  type Session,
  type SessionId,
  type Subject,
} from '@sallyport/core'
import { FakeClock, postgresResource } from '@sallyport/core/testing'
import {
  Authenticators,
  currentPrincipal,
  DeviceSignIns,
  Discoveries,
  disableUser,
  KeyLogIns,
  RegisteredKeys,
  Throttle,
  Tokens,
  UserCertificates,
  type MintedToken,
} from '@sallyport/identity'
import { generatePrivateKey } from '@sallyport/openssh'
import { compilePolicies, type DecisionPoint, type ProtocolVocabulary } from '@sallyport/policy'
import { openRecordings, type Disk, type RecordedEvent, type Recordings } from '@sallyport/recording'
import { openStore, type Store } from '@sallyport/store'
import {
  AccessGate,
  AccessRequests,
  CurrentPolicy,
  KeyedInterrupts,
  LiveSessions,
  Reviews,
  type AccessEvent,
  type DialRequest,
  type FindCredential,
} from '../src/index.ts'

/** Whoever waits is told nothing. */
export const quietly = (): void => {}

/** Developers connect and read; what they change, a DBA approves; nobody changes the schema. */
export const rules = `
@id("connect")
permit (principal in Group::"developers", action == Action::"connect", resource);
@id("readers")
permit (principal in Group::"developers", action == Action::"read", resource in Resource::"orders-db");
@id("reviewed-updates") @review("dba") @within("10m") @reason("changes are reviewed")
permit (principal in Group::"developers", action == Action::"update", resource in Resource::"orders-db");
@id("no-ddl") @reason("the schema is changed by migrations only")
forbid (principal, action == Action::"ddl", resource);
`

const vocabulary: ProtocolVocabulary = {
  name: 'postgres',
  actions: [
    { name: 'read', group: 'read', meaning: 'reads' },
    { name: 'update', group: 'write', meaning: 'changes' },
    { name: 'ddl', group: 'dangerous', meaning: 'changes the schema' },
    { name: 'unparsed', group: 'dangerous', meaning: 'could not be understood' },
  ],
  facts: [],
}

export function pointOf(text: string, version = '1'): DecisionPoint {
  return compilePolicies({ policies: [{ name: 'rules.cedar', text }], vocabulary: [vocabulary], version })
}

export function facts(action: string, exposes: readonly string[] = []): readonly Facts[] {
  const objects = [{ path: ['shop', 'public', 'orders'], actions: [action] }]
  return [factsOf({ actions: [action], objects, exposes, context: {} })]
}

export function operation(
  text: string,
  parameters: readonly Parameter[] = [],
  binding = ['shop'],
): Operation {
  return { text, parameters, binding: () => binding }
}

export const done: Outcome = { status: 'done', rows: 1, sizeBytes: 10, maskedValues: 0, maskedColumns: [] }

export interface World extends AsyncDisposable {
  readonly clock: FakeClock
  readonly store: Store
  readonly tokens: Tokens
  readonly registeredKeys: RegisteredKeys
  readonly devices: DeviceSignIns
  readonly recordings: Recordings
  readonly policy: CurrentPolicy
  readonly reviews: Reviews
  readonly requests: AccessRequests
  readonly sessions: LiveSessions
  readonly gate: AccessGate<unknown>
  readonly events: AccessEvent[]
  readonly dialled: DialRequest[]
  /** A person of the world, as its groups stand now. */
  person(name: string): Promise<Subject>
  token(name: string, actor?: Actor): Promise<MintedToken>
  setGroups(name: string, groups: readonly string[]): Promise<unknown>
  disable(name: string): Promise<unknown>
  log(claim?: Partial<LoginClaim>): Promise<Session | Refusal>
  /** A session of Alice's on orders-db. */
  session(claim?: Partial<LoginClaim>): Promise<Session>
  recorded(session: Session): Promise<RecordedEvent[]>
}

export interface WorldOptions {
  readonly policy?: string
  readonly resource?: Partial<Resource>
  readonly disk?: Disk
  readonly maxSessions?: number
  readonly credential?: FindCredential
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const life = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-access-'))
  life.defer(() => rmSync(directory, { recursive: true, force: true }))
  const clock = new FakeClock()
  const store = life.use(await openStore({ file: ':memory:', clock }))
  const tokens = life.use(new Tokens(store, clock))
  const registeredKeys = new RegisteredKeys({ store, tokens, clock })
  const authority = generatePrivateKey()
  const certificates = new UserCertificates({ store, tokens, clock, authority })
  const logIns = new KeyLogIns({ registered: registeredKeys, certificates, onRefused: () => {} })
  const events: AccessEvent[] = []
  const dialled: DialRequest[] = []
  const policy = life.use(new CurrentPolicy(pointOf(options.policy ?? rules), clock))
  const recordings = life.use(
    await openRecordings({
      directory,
      signingKey: generateKeyPairSync('ed25519').privateKey,
      encryptionKey: createSecretKey(randomBytes(32)),
      clock,
      onFailure: (fault) => sessions.endAll(fault),
      // Tests let hours pass in one turn; a sync of this real disk takes none of them.
      limits: { syncLimitMs: 2 ** 30 },
      ...(options.disk && { disk: options.disk }),
    }),
  )
  const sessions: LiveSessions = life.use(
    new LiveSessions({ store, policy, maxSessions: options.maxSessions ?? 100 }),
  )
  const reviews = life.use(new Reviews({ store, policy, clock }))
  const requests = new AccessRequests({ store, policy, clock, notify: (event) => events.push(event) })
  const devices = new DeviceSignIns(tokens, clock)
  devices.pageUrl = 'https://gateway.example/device'
  const discoveries = new Discoveries(clock)
  discoveries.metadataUrl = 'https://gateway.example/metadata'
  const gate = new AccessGate(
    { name: 'postgres', options: (value: unknown) => value },
    {
      store,
      recordings,
      policy,
      reviews,
      sessions,
      interrupts: new KeyedInterrupts(),
      tokens: new Authenticators({ tokens, federation: tokens, keys: logIns }),
      throttle: new Throttle(clock),
      stepUp: {
        pageOf: ({ id, issuer }) =>
          issuer === null ? undefined : `https://gateway.example/sign-in/step-up/${id}`,
      },
      devices: {
        begin: (program, address) => devices.begin(program, address),
        wait: async (code, signal) => {
          const minted = await devices.wait(code, signal)
          return isRefusal(minted) ? minted : minted.token
        },
        discover: (address) => discoveries.discover(address),
      },
      dial(request) {
        dialled.push(request)
        return Promise.resolve(new PassThrough())
      },
      credential:
        options.credential ?? (({ account }) => Promise.resolve({ credential: { user: account.name } })),
      clock,
      notify: (event) => events.push(event),
    },
  )
  for (const [name, groups] of Object.entries(people))
    await store.write('system', 'hire', (tx) => tx.users.create({ name, displayName: name, groups }))
  await store.write('system', 'declare', (tx) => tx.resources.put(postgresResource({}, options.resource)))

  const world: World = {
    clock,
    store,
    tokens,
    registeredKeys,
    devices,
    recordings,
    policy,
    reviews,
    requests,
    sessions,
    gate,
    events,
    dialled,
    async person(name) {
      const principal = await currentPrincipal(store.read, principalId('user', name))
      if (principal === undefined) throw new Error(`nobody is called ${name}`)
      return onOwnBehalf(principal)
    },
    async token(name, actor) {
      const request = { principalId: principalId('user', name), label: 'test', ...(actor && { actor }) }
      const minted = await tokens.mint('system', request)
      if (isRefusal(minted)) throw new Error(minted.reason)
      return minted
    },
    setGroups: (name, groups) => store.write('system', 'move', (tx) => tx.users.setGroups(name, groups)),
    disable: (name) => store.write('system', 'fire', (tx) => disableUser(tx, name)),
    async log(claim = {}) {
      const credential = claim.credential ?? (await world.token('alice')).token
      const session = await gate.open({
        resource: 'orders-db',
        clientAddress: '10.0.0.9:40112',
        ...claim,
        credential,
      })
      if (!isRefusal(session)) life.use(session)
      return session
    },
    async session(claim) {
      const session = await world.log(claim)
      if (isRefusal(session)) throw new Error(session.reason)
      return session
    },
    async recorded(session) {
      const recorded: RecordedEvent[] = []
      for await (const event of recordings.read(session.id)) recorded.push(event)
      return recorded
    },
    [Symbol.asyncDispose]: () => life.disposeAsync(),
  }
  return world
}

const people = {
  alice: ['developers'],
  bob: ['dba'],
  carol: ['dba'],
  dora: ['developers', 'dba'],
}

export const nobodysToken = new Secret('sp_not-a-token')
export const aSession = 'ses_1' as SessionId

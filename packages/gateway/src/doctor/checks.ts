import { statfs } from 'node:fs/promises'
import type { Clock, Issuer } from '@sallyport/core'
import { StoreProblem, type CredentialStores, type Federation, type StoreToCheck } from '@sallyport/identity'
import type { Store } from '@sallyport/store'
import type { AuditExporter } from '../audit/exporter.ts'
import type { ServerTls } from '../edge/server-tls.ts'
import type { Plane } from '../start/plane.ts'
import { bad, good, warning, type Check } from './doctor.ts'

export interface CheckParts {
  readonly store: Store
  readonly dataDirectory: string
  readonly tls: Pick<ServerTls, 'notAfterMs'>
  readonly plane: Pick<Plane, 'attached' | 'processes' | 'reach' | 'recorderFailure'>
  readonly policies: { readonly point: { readonly version: string } }
  readonly federation: Pick<Federation, 'keysOf'>
  readonly stores: Pick<CredentialStores, 'toCheck'>
  /** A previous master key is configured, though the start has sealed everything anew. */
  readonly hasPreviousKey: boolean
  /** Whatever sends the audit log elsewhere. */
  readonly exporters: readonly Pick<AuditExporter, 'name' | 'isTroubled'>[]
  /** At the set-up of where people sign in. */
  readonly looks: readonly Check[]
  readonly clock: Clock
}

/** Everything that has to be right for a client to reach a target, from the inside out. */
export async function checksOf(parts: CheckParts): Promise<Check[]> {
  const resources = await parts.store.read.resources.list()
  const pools = [...new Set(resources.map(({ agent }) => agent))]
  return [
    { name: 'store', look: () => parts.store.check().then(() => good('it can be written')) },
    ...(parts.plane.processes().all === 1
      ? []
      : [{ name: 'processes', look: () => Promise.resolve(processes(parts)) }]),
    ...(parts.hasPreviousKey ? [{ name: 'master key', look: () => Promise.resolve(previousKey()) }] : []),
    { name: 'recorder', look: () => recorder(parts) },
    { name: 'disk', look: () => disk(parts.dataDirectory) },
    { name: 'certificate', look: () => Promise.resolve(certificate(parts)) },
    { name: 'policies', look: () => Promise.resolve(policies(parts)) },
    {
      name: 'resources',
      look: () =>
        Promise.resolve(
          resources.length === 0
            ? warning('none is declared', 'declare one: sallyport apply -f FILE')
            : good(`${resources.length} declared`),
        ),
    },
    ...parts.looks,
    ...parts.exporters.map((exporter): Check => ({
      name: `audit log to ${exporter.name}`,
      look: () => Promise.resolve(receiver(exporter)),
    })),
    ...(await parts.store.read.issuers.list()).map((issuer): Check => ({
      name: `issuer ${issuer.name}`,
      look: () => issuerKeys(parts, issuer),
    })),
    { name: 'leases', look: () => leases(parts) },
    ...parts.stores.toCheck().map((store): Check => ({
      name: `credential store ${store.name}`,
      look: (signal) => credentialStore(store, signal),
    })),
    ...pools.map((pool): Check => ({
      name: `agents of ${pool}`,
      look: () => agents(parts, pool),
    })),
    ...resources.slice(0, maxDialled).map((resource): Check => ({
      name: `target of ${resource.name}`,
      look: async (signal) => {
        const { name, agent, host, port } = resource
        await parts.plane.reach({ pool: agent, resource: name, session: 'doctor', host, port }, signal)
        return good('reached through an agent')
      },
    })),
  ]
}

function processes({ plane }: CheckParts) {
  const { serving, all } = plane.processes()
  return serving === all
    ? good(`${all} carry traffic`)
    : bad(`${serving} of ${all} carry traffic`, 'see in the log why the others died, or do not start')
}

function previousKey() {
  return warning(
    'everything is sealed under masterKey; the previous one opens nothing more',
    'take previousMasterKey out of the configuration, and keep that key with the backups of its time alone',
  )
}

async function recorder({ plane }: CheckParts) {
  const failure = await plane.recorderFailure()
  return failure === undefined
    ? good('it takes what happens')
    : bad(failure, 'free the disk: sessions are refused until it can record')
}

async function disk(directory: string) {
  const { bavail, bsize } = await statfs(directory)
  const freeGib = (bavail * bsize) / 1024 ** 3
  const words = `${freeGib.toFixed(1)} GiB free`
  return freeGib < 1
    ? warning(words, 'make room: without it nothing can be recorded, and sessions end')
    : good(words)
}

function certificate({ tls, clock }: CheckParts) {
  const days = Math.floor((tls.notAfterMs - clock.now()) / dayMs)
  if (days < 0) return bad('it has expired', 'put a new one in place of tls.certificate and tls.key')
  return days < 14 ? warning(`good for ${days} more days`, 'renew it') : good(`good for ${days} more days`)
}

function policies({ policies: { point } }: CheckParts) {
  return point.version === '0'
    ? warning('none is applied: nobody may reach anything', 'apply some: sallyport apply -f FILE')
    : good(`version ${point.version} is in force`)
}

function receiver({ isTroubled }: Pick<AuditExporter, 'isTroubled'>) {
  return isTroubled
    ? bad('it does not take what is new', 'see in the log why; once it does, it gets all that it has missed')
    : good('it takes what is new')
}

async function agents({ plane }: CheckParts, pool: string) {
  const count = (await plane.attached()).filter((agent) => agent.pool === pool).length
  if (count > 0) return good(`${count} attached`)
  return bad('none is attached', `start one: sallyport agents join-token --pool ${pool} prints the command`)
}

async function issuerKeys({ federation }: CheckParts, issuer: Issuer) {
  try {
    const count = await federation.keysOf(issuer)
    return count > 0
      ? good(`${count} keys`)
      : bad('it publishes no key that a token could be verified by', 'see its `keys` in the declaration')
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : 'its keys cannot be had'
    return bad(
      why,
      'its tokens are refused: see `issuer`, `keys` and `certificateAuthority` in its declaration',
    )
  }
}

async function credentialStore(store: StoreToCheck, signal: AbortSignal) {
  try {
    return good(await store.check(signal))
  } catch (thrown) {
    if (!(thrown instanceof StoreProblem)) throw thrown
    return bad(thrown.message, `log-ins that need it fail: see \`stores.${store.name}\` in gateway.yaml`)
  }
}

/** A few may wait: their sessions have just ended. */
async function leases({ store }: CheckParts) {
  const overdue = (await store.leases.list()).filter(({ attempts }) => attempts > 0)
  if (overdue.length === 0) return good('what was made for sessions that are over is undone')
  const { source, resource, problem } = overdue[0]!
  return warning(
    `${overdue.length} of sessions that are over are not undone, such as one of ${source} for ${resource}: ${problem ?? 'unknown'}`,
    'they are tried again; see in the log why it fails',
  )
}

const dayMs = 24 * 3_600_000
const maxDialled = 100

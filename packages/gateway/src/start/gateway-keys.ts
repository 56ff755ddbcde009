import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { Secret, type Clock } from '@sallyport/core'
import {
  ClientAuthorities,
  createAuthority,
  loadAuthority,
  SealError,
  type CertificateAuthority,
  type SealedBox,
} from '@sallyport/identity'
import { generatePrivateKey, parsePrivateKey, type PrivateKey } from '@sallyport/openssh'
import type { Store } from '@sallyport/store'
import { anotherKey } from './master-key.ts'

/** The gateway's own keys, made at the first start and sealed in the store. */
export interface GatewayKeys {
  /** Signs certificates of this gateway's listeners and of agents. */
  readonly authority: CertificateAuthority
  /** Ed25519: seals recordings. */
  readonly signing: KeyObject
  /** Its public half, PEM: what recordings are verified with. */
  readonly signingPublicKey: string
  /** Certifies keys with which people log in to the gateway. */
  readonly sshUsers: PrivateKey
  /** Certifies keys with which the gateway logs in to SSH targets, each for one log-in. */
  readonly sshTargets: PrivateKey
  /** Certify keys with which the gateway logs in to targets over TLS, each for one log-in. */
  readonly clients: ClientAuthorities
  /** Encrypts recordings at rest. */
  readonly recordings: KeyObject
}

/** @throws CannotStart where they are sealed under another master key */
export async function openGatewayKeys(store: Store, box: SealedBox, clock: Clock): Promise<GatewayKeys> {
  try {
    const authority = await kept(store, box, 'authority', async () => {
      const { certificate, privateKey } = await createAuthority({ name: 'Sallyport', clock })
      return JSON.stringify({ certificate, privateKey: privateKey.reveal() })
    })
    const signing = await kept(store, box, 'signing-key', () =>
      Promise.resolve(
        generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      ),
    )
    const sshUsers = await keptSshKey(store, box, 'ssh-user-authority', 'sallyport: users')
    const sshTargets = await keptSshKey(store, box, 'ssh-target-authority', 'sallyport: targets')
    const clients = await ClientAuthorities.open(store, box, clock)
    // Written by this very function, and authenticated by the seal.
    const { certificate, privateKey } = JSON.parse(authority) as { certificate: string; privateKey: string }
    const signingKey = createPrivateKey(signing)
    return {
      authority: await loadAuthority({ certificate, privateKey: new Secret(privateKey) }, clock),
      signing: signingKey,
      signingPublicKey: createPublicKey(signingKey).export({ type: 'spki', format: 'pem' }).toString(),
      sshUsers,
      sshTargets,
      clients,
      recordings: createSecretKey(box.derive('recordings')),
    }
  } catch (error) {
    throw error instanceof SealError ? anotherKey(error) : error
  }
}

async function keptSshKey(store: Store, box: SealedBox, key: string, comment: string): Promise<PrivateKey> {
  const text = await kept(store, box, key, () =>
    Promise.resolve(generatePrivateKey(comment).toOpenSsh().reveal()),
  )
  return parsePrivateKey(new Secret(text))
}

/** A secret of the gateway's own, sealed among its settings; made where there is none yet. */
export async function kept(
  store: Store,
  box: SealedBox,
  key: string,
  make: () => Promise<string>,
): Promise<string> {
  const sealed = await store.read.settings.get(key)
  if (sealed !== undefined) return box.openText(key, sealed).reveal()
  const made = await make()
  await store.write('system', 'first start', (tx) =>
    tx.settings.put(key, box.sealText(key, new Secret(made))),
  )
  return made
}

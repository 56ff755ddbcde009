import { readFile } from 'node:fs/promises'
import { Secret, type Clock } from '@sallyport/core'
import {
  createSamlKey,
  identityProviderIn,
  identityProviderOf,
  ProviderSignIn,
  samlLooks,
  SamlProvider,
  SignInProblem,
  type IdentityProvider,
  type SamlKey,
} from '@sallyport/identity'
import { CannotStart } from '../cannot-start.ts'
import type { Config } from '../config/schema.ts'
import type { Foundation } from './foundation.ts'
import { kept } from './gateway-keys.ts'
import type { ProviderAtWork, ProviderOptions } from './provider.ts'

type SamlConfig = NonNullable<Config['saml']>

/** @throws CannotStart where what the configuration says of the identity provider cannot be used */
export async function openSaml(saml: SamlConfig, options: ProviderOptions): Promise<ProviderAtWork> {
  const { clock, foundation, people, events } = options
  const { store, box } = foundation
  await startsWith(() => identityProvider(saml))
  const { certificateAuthority: file } = saml
  const certificateAuthority =
    file === undefined ? undefined : (await startsWith(() => read(file))).toString('utf8')
  const current = (): Promise<IdentityProvider> => identityProvider(saml)
  const provider = new SamlProvider({
    identityProvider: current,
    attributes: saml,
    entityId: saml.entityId,
    key: saml.signRequests ? await samlKey(foundation, clock) : undefined,
    clock,
  })
  return {
    kind: 'saml',
    name: saml.name,
    signIn: new ProviderSignIn({
      kind: 'saml',
      provider,
      store,
      tokens: people.tokens,
      box,
      clock,
      onProblem: ({ kind, message }, address) => events.providerProblem(kind, message, address),
    }),
    metadata: (back) => provider.metadata(back),
    examine: () => samlLooks({ identityProvider: current, certificateAuthority, clock }),
  }
}

/** @throws SignInProblem that names what cannot be used */
async function identityProvider(saml: SamlConfig): Promise<IdentityProvider> {
  const { metadata, issuer, entryPoint = '', certificates = [] } = saml
  return metadata === undefined
    ? identityProviderOf(issuer, entryPoint, await Promise.all(certificates.map((file) => read(file))))
    : identityProviderIn(await read(metadata), issuer)
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new SignInProblem('unavailable', `${file} cannot be read`, { cause })
  }
}

async function startsWith<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof SignInProblem)) throw cause
    throw new CannotStart(5, `saml: ${cause.message}`, 'see `saml` in the configuration', { cause })
  }
}

/** Made when requests are to be signed for the first time, and sealed in the store. */
async function samlKey({ store, box }: Pick<Foundation, 'store' | 'box'>, clock: Clock): Promise<SamlKey> {
  const text = await kept(store, box, 'saml-key', async () => {
    const { certificate, privateKey } = await createSamlKey(clock)
    return JSON.stringify({ certificate, privateKey: privateKey.reveal() })
  })
  // Written by this very function, and authenticated by the seal.
  const { certificate, privateKey } = JSON.parse(text) as { certificate: string; privateKey: string }
  return { certificate, privateKey: new Secret(privateKey) }
}

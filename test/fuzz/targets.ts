import type { Target } from './target.ts'

/** Each in a module of its own, loaded when it is run. */
const loaders: Readonly<Record<string, () => Promise<{ readonly target: Target }>>> = {
  codec: () => import('./targets/codec.ts'),
  conversation: () => import('./targets/conversation.ts'),
  session: () => import('./targets/session.ts'),
  jwt: () => import('./targets/jwt.ts'),
  saml: () => import('./targets/saml.ts'),
  scim: () => import('./targets/scim.ts'),
  login: () => import('./targets/login.ts'),
  'oauth-form': () => import('./targets/oauth-form.ts'),
  oauthbearer: () => import('./targets/oauthbearer.ts'),
  statements: () => import('./targets/statements.ts'),
  effects: () => import('./targets/effects.ts'),
  masks: () => import('./targets/masks.ts'),
  masking: () => import('./targets/masking.ts'),
  planted: () => import('./targets/planted.ts'),
  terminal: () => import('./targets/terminal.ts'),
  tunnel: () => import('./targets/tunnel.ts'),
  openssh: () => import('./targets/openssh.ts'),
  sftp: () => import('./targets/sftp.ts'),
  scp: () => import('./targets/scp.ts'),
  recording: () => import('./targets/recording.ts'),
  config: () => import('./targets/config.ts'),
  documents: () => import('./targets/documents.ts'),
  policy: () => import('./targets/policy.ts'),
  'ssh-commands': () => import('./targets/ssh-commands.ts'),
  'ssh-transport': () => import('./targets/ssh-transport.ts'),
  api: () => import('./targets/api.ts'),
}

const onlyByName: typeof loaders = { selftest: () => import('./targets/selftest.ts') }

export const targetNames: readonly string[] = Object.keys(loaders)

/** @throws Error where there is none of that name. */
export async function targetNamed(name: string): Promise<Target> {
  const load = loaders[name] ?? onlyByName[name]
  if (load === undefined) throw new Error(`there is no target ${name}; there are ${targetNames.join(', ')}`)
  return (await load()).target
}

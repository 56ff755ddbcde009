import type { Hint, HintRequest } from '@sallyport/core'

/**
 * How ssh connects: to this gateway's key and no other, with the token in its environment, where no list of processes shows it.
 * @param hostKey the gateway's own, as it stands in known_hosts behind the name
 */
export function hints(
  { endpoint, resource, account, token, fileAt }: HintRequest,
  hostKey: string,
): readonly Hint[] {
  const { host, port } = endpoint
  const name = account === undefined ? resource : `${resource}+${account}`
  const options = {
    Port: String(port),
    UserKnownHostsFile: `"${fileAt('known_hosts')}"`,
    GlobalKnownHostsFile: 'none',
    StrictHostKeyChecking: 'yes',
    // Whoever has many keys would be out of attempts before the token's turn.
    PreferredAuthentications: 'password',
    NumberOfPasswordPrompts: '1',
  }
  return [
    {
      client: 'ssh',
      command: [
        'ssh',
        ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
        `${name}@${host}`,
      ],
      environment: {
        SALLYPORT_SSH_TOKEN: token,
        SSH_ASKPASS: fileAt('askpass'),
        SSH_ASKPASS_REQUIRE: 'force',
      },
      files: [
        { name: 'known_hosts', content: `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}\n` },
        { name: 'askpass', content: '#!/bin/sh\nprintf "%s\\n" "$SALLYPORT_SSH_TOKEN"\n', isProgram: true },
      ],
    },
  ]
}

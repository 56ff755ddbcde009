import type { Hint, HintRequest } from '@sallyport/core'

/** How ssh connects. */
export function hints({ endpoint, resource, account, token }: HintRequest): readonly Hint[] {
  const name = account === undefined ? resource : `${resource}+${account}`
  return [
    {
      client: 'ssh',
      command: ['ssh', '-p', String(endpoint.port), `${name}@${endpoint.host}`],
      environment: { SALLYPORT_TOKEN: token },
    },
  ]
}

import { SshConnection } from '../connection/connection.ts'

/** Both ends of one connection, without a transport between them: what the one sends the other takes soon. */
export function joined(): readonly [SshConnection, SshConnection] {
  const near: SshConnection = new SshConnection({
    isFull: false,
    send: (payload) => queueMicrotask(() => far.take(payload)),
  })
  const far: SshConnection = new SshConnection({
    isFull: false,
    send: (payload) => queueMicrotask(() => near.take(payload)),
  })
  return [near, far]
}

/** Opens nothing, and does nothing that it is asked. */
export const passive = {
  open: ({ refuse }: { readonly refuse: (reason: number, words: string) => void }) => refuse(1, ''),
  request: ({ reply }: { readonly reply: (answer: false) => void }) => reply(false),
  broken: (fault: unknown) => {
    throw fault as Error
  },
  over: () => undefined,
}

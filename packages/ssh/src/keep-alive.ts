import type { SshConnection } from './connection/connection.ts'
import { keepaliveMs, keepaliveTries } from './limits.ts'

/** Asks a peer again and again whether it is there, until disposed. */
export function keepAlive(ssh: SshConnection, onDead: () => void): Disposable {
  const timer = setInterval(() => {
    if (ssh.ping() <= keepaliveTries) return
    clearInterval(timer)
    onDead()
  }, keepaliveMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

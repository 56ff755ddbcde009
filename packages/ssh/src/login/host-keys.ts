import { createHash } from 'node:crypto'
import { Fault } from '@sallyport/core'

/** A target's host key as a resource pins it. */
export interface PinnedHostKey {
  readonly type: string
  readonly blob: Buffer
  /** It signs host keys, and is none. */
  readonly isAuthority: boolean
}

/** `ssh-ed25519 AAAA… comment`, with `@cert-authority` before it or not. Undefined where it is neither. */
export function readHostKeyLine(line: string): PinnedHostKey | undefined {
  const parts = /^(@cert-authority\s+)?([a-z0-9@.-]+)\s+([A-Za-z0-9+/]+={0,2})(?:\s.*)?$/.exec(line.trim())
  if (parts === null) return undefined
  const [, authority, type = '', text = ''] = parts
  const blob = Buffer.from(text, 'base64')
  return typeOf(blob) === type ? { type, blob, isAuthority: authority !== undefined } : undefined
}

/** As OpenSSH shows it. */
function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/** What is known of a target's host keys, and what it showed. A key that nobody pinned is never accepted. */
export class HostKeys {
  readonly #pinned: readonly PinnedHostKey[]
  readonly #resource: string
  /** Why the key that was shown last was not accepted. */
  fault: Fault | undefined

  constructor(lines: readonly string[], resource: string) {
    this.#pinned = lines.flatMap((line) => readHostKeyLine(line) ?? [])
    this.#resource = resource
  }

  /** Types of the pinned keys, by which the target chooses which of its keys it shows. */
  get types(): readonly string[] {
    return [...new Set(this.#pinned.filter(({ isAuthority }) => !isAuthority).map(({ type }) => type))]
  }

  /** Whether a target that proves to have this key is the one that is meant. */
  accepts(shown: Buffer): boolean {
    if (this.#pinned.some(({ blob, isAuthority }) => !isAuthority && blob.equals(shown))) return true
    const seen = `${typeOf(shown) ?? 'an unknown key'} ${fingerprintOf(shown)}`
    this.fault = new Fault(
      'target/bad-host-key',
      this.#pinned.length === 0
        ? `no host key of this target is pinned, so it is not trusted; it shows ${seen}. An administrator compares that and pins it: sallyport resources host-keys ${this.#resource}`
        : `the target's host key is not one that is pinned: it shows ${seen}. It was reinstalled, or somebody is in between; an administrator finds out which: sallyport resources host-keys ${this.#resource}`,
    )
    return false
  }
}

function typeOf(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined
  const length = blob.readUInt32BE(0)
  return length > 0 && 4 + length <= blob.length ? blob.toString('latin1', 4, 4 + length) : undefined
}

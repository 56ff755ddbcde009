import { Fault } from '@sallyport/core'
import {
  checkHostKey,
  hostKeyAlgorithms,
  keyLine,
  parseKnownHosts,
  type HostKeyVerdict,
} from '@sallyport/openssh'

/** A target as its resource names it. */
export interface HostPlace {
  readonly host: string
  readonly port: number
}

/** What is known of a target's host keys, and what it showed. A key that nobody pinned is never accepted. */
export class HostKeys {
  readonly #known: ReturnType<typeof parseKnownHosts>
  readonly #place: HostPlace
  /** Why the key that was shown last was not accepted. */
  fault: Fault | undefined

  /** @param lines as in known_hosts, with names or without */
  constructor(lines: readonly string[], place: HostPlace) {
    this.#known = parseKnownHosts(lines)
    this.#place = place
  }

  /** By which algorithms the target is asked for its key, so that it shows one that is pinned where it has one. */
  get algorithms(): readonly string[] {
    return hostKeyAlgorithms(this.#known, this.#place.host, this.#place.port)
  }

  /** Whether a certificate could speak for it. */
  get hasAuthority(): boolean {
    return this.#known.some(({ trust }) => trust === 'authority')
  }

  /** Whether a target that proves to have this key is the one that is meant. */
  accepts(blob: Uint8Array, nowMs: number): boolean {
    const { host, port } = this.#place
    const verdict = checkHostKey(this.#known, { host, port, blob, nowMs })
    if (verdict.kind === 'trusted') return true
    // The whole key, so that whoever has compared the fingerprint can pin it.
    const shown = `it shows ${verdict.fingerprint}, which is ${keyLine(blob)}`
    this.fault = new Fault(
      'target/bad-host-key',
      `${why(verdict)}. An administrator compares and pins it; ${shown}`,
    )
    return false
  }
}

function why({ flaw }: HostKeyVerdict & { readonly kind: 'distrusted' }): string {
  switch (flaw) {
    case 'unknown':
      return 'no host key of this target is pinned, so it is not trusted'
    case 'other':
      return "the target's host key is not one that is pinned: it was set up anew, or somebody is in between"
    case 'revoked':
      return "the target's host key is revoked"
    default:
      return `the target's host certificate is not good (${flaw})`
  }
}

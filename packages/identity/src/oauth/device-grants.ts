import { hash } from 'node:crypto'
import { isRefusal, type Clock, type Refusal, type Secret } from '@sallyport/core'
import type { BegunDevice, DeviceSignIns } from '../device-sign-ins.ts'
import type { MintedToken } from '../tokens.ts'

/** Why there is no token for a device code, or not yet. RFC 8628 section 3.5, RFC 6749 section 5.2 */
export type DeviceGrantError =
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  /** Never given out, given to another client, or traded for a token already. */
  | 'invalid_grant'

/** What a client is told that begins. */
export interface BegunDeviceGrant extends BegunDevice {
  /** How long it waits between two questions. */
  readonly intervalSeconds: number
}

interface Asked {
  readonly clientId: string
  readonly expiresAtMs: number
  intervalMs: number
  /** As the clock counts what has elapsed; undefined before the first question. */
  lastAskedMs: number | undefined
}

/** Sign-ins on another device as an OAuth client asks for them: which client, how often it may ask, and what it is told. RFC 8628 */
export class DeviceGrants {
  readonly #devices: Pick<DeviceSignIns, 'begin' | 'take'>
  readonly #clock: Clock
  /** By the hash of the device code. They all live equally long, so that the first are over first. */
  readonly #asked = new Map<string, Asked>()

  constructor(devices: Pick<DeviceSignIns, 'begin' | 'take'>, clock: Clock) {
    this.#devices = devices
    this.#clock = clock
  }

  /** @param clientId also what the person is told who asks */
  begin(clientId: string, address: string): BegunDeviceGrant | Refusal {
    this.#forgetOld()
    const begun = this.#devices.begin(clientId, address)
    if (isRefusal(begun)) return begun
    const { deviceCode, expiresAtMs } = begun
    this.#asked.set(keyOf(deviceCode), {
      clientId,
      expiresAtMs,
      intervalMs: firstIntervalMs,
      lastAskedMs: undefined,
    })
    return { ...begun, intervalSeconds: firstIntervalMs / 1000 }
  }

  /** The token, once: to the client that began. */
  async redeem(deviceCode: Secret, clientId: string): Promise<MintedToken | DeviceGrantError> {
    this.#forgetOld()
    const key = keyOf(deviceCode)
    const asked = this.#asked.get(key)
    if (asked === undefined || asked.clientId !== clientId) return 'invalid_grant'
    if (asked.expiresAtMs <= this.#clock.now()) return 'expired_token'
    if (this.#isTooSoon(asked)) return 'slow_down'
    const taken = await this.#devices.take(deviceCode, AbortSignal.abort())
    if (taken === 'pending') return 'authorization_pending'
    this.#asked.delete(key)
    if (!isRefusal(taken)) return taken
    return taken.code === 'denied' ? 'access_denied' : 'invalid_grant'
  }

  /** Whoever asks too soon waits longer from then on. RFC 8628 section 3.5 */
  #isTooSoon(asked: Asked): boolean {
    const now = this.#clock.elapsed()
    const { lastAskedMs, intervalMs } = asked
    asked.lastAskedMs = now
    if (lastAskedMs === undefined || now - lastAskedMs >= intervalMs - jitterMs) return false
    asked.intervalMs += slowerMs
    return true
  }

  /** What is over is still known for a while, so that its client hears that it is. */
  #forgetOld(): void {
    for (const [key, { expiresAtMs }] of this.#asked) {
      if (expiresAtMs + rememberedMs > this.#clock.now()) return
      this.#asked.delete(key)
    }
  }
}

function keyOf(deviceCode: Secret): string {
  return hash('sha256', deviceCode.reveal(), 'hex')
}

const firstIntervalMs = 2_000
const slowerMs = 5_000
/** Two questions that were sent an interval apart may arrive with less between them. */
const jitterMs = 500
const rememberedMs = 600_000
